/**
 * The daily relations: what an engine makes of a day's hourly rows, partitioned by month of `usage_day`. Every step
 * after aggregation reads these and nothing hourly.
 */
export const relationTables = [
  'ocp_pod_day',
  'ocp_capacity_day',
  'ocp_claim_day',
  'ocp_node_label_day',
  'ocp_namespace_label_day',
  'ocp_vm_day',
  'ocp_gpu_day',
] as const;

/** Name of a daily relation. */
export type RelationTable = (typeof relationTables)[number];

/** Columns that tell the rows of a source in a daily relation apart; the others are measures. */
export const relationKeys: Readonly<Record<RelationTable, readonly string[]>> = {
  ocp_pod_day: ['usage_day', 'label_set_id', 'namespace', 'node', 'pod', 'resource_id'],
  ocp_capacity_day: ['usage_day', 'node'],
  ocp_claim_day: [
    'usage_day',
    'persistentvolume_label_set_id',
    'persistentvolumeclaim_label_set_id',
    'namespace',
    'pod',
    'node',
    'resource_id',
    'persistentvolumeclaim',
    'persistentvolume',
    'storageclass',
    'csi_volume_handle',
  ],
  ocp_node_label_day: ['usage_day', 'label_set_id', 'node'],
  ocp_namespace_label_day: ['usage_day', 'label_set_id', 'namespace'],
  ocp_vm_day: ['usage_day', 'label_set_id', 'namespace', 'node', 'vm_name', 'persistentvolumeclaim'],
  ocp_gpu_day: ['usage_day', 'node', 'namespace', 'pod', 'gpu_uuid', 'mig_instance_id'],
};
