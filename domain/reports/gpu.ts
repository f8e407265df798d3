/** The MIG columns of a GPU row as sent; blank is `""`. MIG partitions one physical GPU into instances. */
export interface SentMigFields {
  readonly migInstanceId: string;
  readonly migProfile: string;
  readonly migStrategy: string;
  /** slices of the whole GPU, as a number; sent since operator 4.4.0, even for GPUs that are not partitioned */
  readonly gpuMaxSlices?: string;
}

/** The MIG columns as stored, with the derived ones. `null` if the value does not apply or is unknown. */
export interface MigFields extends Omit<SentMigFields, 'gpuMaxSlices'> {
  /** slices of this instance */
  readonly migSliceCount: number | null;
  /** memory of this instance in MiB */
  readonly migMemoryCapacityMib: number | null;
  /** slices of the whole GPU; only set on rows with a MIG profile */
  readonly gpuMaxSlices: number | null;
}

const NO_MIG: MigFields = {
  migInstanceId: '',
  migProfile: '',
  migStrategy: '',
  migSliceCount: null,
  migMemoryCapacityMib: null,
  gpuMaxSlices: null,
};

const SLICES_BY_MODEL: readonly (readonly [string, number])[] = [
  ['A30', 4],
  ['A100', 7],
  ['H100', 7],
  ['H200', 7],
  ['B200', 7],
  ['RTX PRO 6000', 4],
  ['RTX PRO 5000', 2],
];

const PROFILE_FORM = /^(\d{1,4})g\.(\d{1,6})gb$/;
const MIB_PER_GIB = 1024;

const NVIDIA_FORM = /^nvidia(_com_gpu|\d+)$/;
/** The largest value that the summary's column can hold. */
const MAX_SLICES = 2_147_483_647;

/**
 * The vendor name `nvidia` for the forms that operators send: `nvidia_com_gpu`, the Kubernetes resource name, and since
 * 4.4.0 the device name, `nvidia0`, `nvidia1`, … (DOMAIN §4). Anything else is unchanged.
 */
export function cleanGpuVendor(vendorName: string): string {
  return NVIDIA_FORM.test(vendorName) ? 'nvidia' : vendorName;
}

/** Each run of characters other than A-Z, a-z and 0-9 becomes one space, and the ends are trimmed. */
export function cleanGpuModel(modelName: string): string {
  return modelName.replaceAll(/[^A-Za-z0-9]+/g, ' ').trim();
}

/** Slices of a GPU model that supports MIG, found by a part of its name; null for other models. */
export function maxSlicesOfModel(modelName: string): number | null {
  const name = modelName.toUpperCase();
  return SLICES_BY_MODEL.find(([part]) => name.includes(part))?.[1] ?? null;
}

/**
 * Derive the MIG columns of a GPU row from its profile, `<slices>g.<memory>gb`, and its cleaned model name (DOMAIN
 * §7.2).
 *
 * A blank profile is a dedicated GPU: nothing is derived, and the slices that it could be partitioned into are ignored,
 * or else a fully used GPU would count as mostly idle. With a profile, the slices that were sent take precedence over
 * those known for the model; if neither is known, all MIG values are dropped and the GPU counts as dedicated. With a
 * profile of another form (`1g.5gb+me`) the slices are unknown, so the row is charged as a whole GPU.
 */
export function migFields(modelName: string, columns: SentMigFields): MigFields {
  const { gpuMaxSlices: sentMaxSlices = '', ...sent } = columns;
  if (sent.migProfile === '') return { ...NO_MIG, ...sent };
  const gpuMaxSlices = sentSlices(sentMaxSlices) ?? maxSlicesOfModel(modelName);
  if (gpuMaxSlices === null) return NO_MIG;
  const profile = PROFILE_FORM.exec(sent.migProfile);
  return {
    ...sent,
    migSliceCount: profile === null ? null : Number(profile[1]),
    migMemoryCapacityMib: profile === null ? null : Number(profile[2]) * MIB_PER_GIB,
    gpuMaxSlices,
  };
}

/** Columns of GPU rows that are not stored as they were sent, by the type of their values. */
export const storedGpuColumns = {
  gpu_model_name: 'text',
  gpu_vendor_name: 'text',
  mig_instance_id: 'text',
  mig_profile: 'text',
  mig_strategy: 'text',
  mig_slice_count: 'number',
  mig_memory_capacity_mib: 'number',
  gpu_max_slices: 'number',
} as const;

export type StoredGpuColumn = keyof typeof storedGpuColumns;

/**
 * The fields of {@link storedGpuColumns}: names cleaned, MIG columns derived, so that no query has to know the rules.
 *
 * @param sent field of a column as sent; `""` if it is blank or the file lacks the column
 * @returns `""` for a number that is unknown or does not apply
 */
export function storedGpuFields(sent: (column: string) => string): Readonly<Record<StoredGpuColumn, string>> {
  const model = cleanGpuModel(sent('gpu_model_name'));
  const mig = migFields(model, {
    migInstanceId: sent('mig_instance_id'),
    migProfile: sent('mig_profile'),
    migStrategy: sent('mig_strategy'),
    gpuMaxSlices: sent('gpu_max_slices'),
  });
  return {
    gpu_model_name: model,
    gpu_vendor_name: cleanGpuVendor(sent('gpu_vendor_name')),
    mig_instance_id: mig.migInstanceId,
    mig_profile: mig.migProfile,
    mig_strategy: mig.migStrategy,
    mig_slice_count: String(mig.migSliceCount ?? ''),
    mig_memory_capacity_mib: String(mig.migMemoryCapacityMib ?? ''),
    gpu_max_slices: String(mig.gpuMaxSlices ?? ''),
  };
}

/** The number of slices that was sent, if it is a whole number above 0 that the summary can hold. */
function sentSlices(text: string): number | undefined {
  const slices = Math.round(Number(text));
  return slices >= 1 && slices <= MAX_SLICES ? slices : undefined;
}
