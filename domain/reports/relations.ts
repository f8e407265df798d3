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
