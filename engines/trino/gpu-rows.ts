import { cleanGpuModel, cleanGpuVendor, migFields } from '../../domain/reports/gpu.ts';

/** GPU rows as they are stored: names cleaned, MIG columns derived, as staging has them. */
export interface GpuRows {
  /** names of the fields of a row; without text columns that the file lacks */
  readonly header: readonly string[];
  row(fields: readonly string[]): string[];
}

/** Columns that are not sent or not as they are stored. */
const derived = ['mig_slice_count', 'mig_memory_capacity_mib', 'gpu_max_slices'] as const;

/** Prepare the conversion of GPU rows with this header. */
export function gpuRows(header: readonly string[]): GpuRows {
  const position = new Map(header.map((name, index) => [name, index]));
  const kept = header.filter((name) => !(derived as readonly string[]).includes(name));
  return {
    header: [...kept, ...derived],
    row: (fields) => {
      const at = (name: string) => fields[position.get(name) ?? -1] ?? '';
      const model = cleanGpuModel(at('gpu_model_name'));
      const mig = migFields(model, {
        migInstanceId: at('mig_instance_id'),
        migProfile: at('mig_profile'),
        migStrategy: at('mig_strategy'),
        gpuMaxSlices: at('gpu_max_slices'),
      });
      const stored: Readonly<Record<string, string>> = {
        gpu_model_name: model,
        gpu_vendor_name: cleanGpuVendor(at('gpu_vendor_name')),
        mig_instance_id: mig.migInstanceId,
        mig_profile: mig.migProfile,
        mig_strategy: mig.migStrategy,
      };
      const numbers = [mig.migSliceCount, mig.migMemoryCapacityMib, mig.gpuMaxSlices];
      return [
        ...kept.map((name) => stored[name] ?? at(name)),
        ...numbers.map((value) => String(value ?? '')),
      ];
    },
  };
}
