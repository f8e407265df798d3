/** The MIG columns of a GPU row as they are sent; blank is `""`. MIG cuts one physical GPU into instances. */
export interface SentMigFields {
  readonly migInstanceId: string;
  readonly migProfile: string;
  readonly migStrategy: string;
}

/** The MIG columns as they are stored, with the derived ones. `null` where the value does not apply or is unknown. */
export interface MigFields extends SentMigFields {
  /** slices of this instance */
  readonly migSliceCount: number | null;
  /** memory of this instance in MiB */
  readonly migMemoryCapacityMib: number | null;
  /** slices that the whole GPU has; only set on rows with a MIG profile */
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

/** `nvidia_com_gpu`, the Kubernetes resource name, becomes the vendor name `nvidia`; anything else stays. */
export function cleanGpuVendor(vendorName: string): string {
  return vendorName === 'nvidia_com_gpu' ? 'nvidia' : vendorName;
}

/** Each run of characters other than A-Z, a-z and 0-9 becomes one space, and the ends are trimmed. */
export function cleanGpuModel(modelName: string): string {
  return modelName.replaceAll(/[^A-Za-z0-9]+/g, ' ').trim();
}

/** Slices of a GPU model that can be cut into MIG instances, found by a part of its name; null for other models. */
export function maxSlicesOfModel(modelName: string): number | null {
  const name = modelName.toUpperCase();
  return SLICES_BY_MODEL.find(([part]) => name.includes(part))?.[1] ?? null;
}

/**
 * Derive the MIG columns of a GPU row from its profile, `<slices>g.<memory>gb`, and its cleaned model name.
 *
 * A blank profile is a dedicated GPU: nothing is derived. A model that cannot be cut loses all its MIG values and counts
 * as dedicated too. A known model with a profile of another form (`1g.5gb+me`) keeps the slices unknown, so that
 * the row is charged as a whole GPU.
 */
export function migFields(modelName: string, sent: SentMigFields): MigFields {
  if (sent.migProfile === '') return { ...NO_MIG, ...sent };
  const gpuMaxSlices = maxSlicesOfModel(modelName);
  if (gpuMaxSlices === null) return NO_MIG;
  const profile = PROFILE_FORM.exec(sent.migProfile);
  return {
    ...sent,
    migSliceCount: profile === null ? null : Number(profile[1]),
    migMemoryCapacityMib: profile === null ? null : Number(profile[2]) * MIB_PER_GIB,
    gpuMaxSlices,
  };
}
