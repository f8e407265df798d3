import { storedGpuColumns, storedGpuFields } from '../../domain/reports/gpu.ts';

/** GPU rows as they are stored: names cleaned, MIG columns derived, as staging has them. */
export interface GpuRows {
  /** names of the fields of a row; without text columns that the file lacks */
  readonly header: readonly string[];
  row(fields: readonly string[]): string[];
}

/** Of these a row has every one: they are derived, whatever the file has. */
const derived = Object.entries(storedGpuColumns).flatMap(([name, type]) => (type === 'number' ? [name] : []));

/** Prepare the conversion of GPU rows with this header. */
export function gpuRows(header: readonly string[]): GpuRows {
  const position = new Map(header.map((name, index) => [name, index]));
  const names = [...header.filter((name) => !derived.includes(name)), ...derived];
  return {
    header: names,
    row: (fields) => {
      const at = (name: string) => fields[position.get(name) ?? -1] ?? '';
      const stored = new Map(Object.entries(storedGpuFields(at)));
      return names.map((name) => stored.get(name) ?? at(name));
    },
  };
}
