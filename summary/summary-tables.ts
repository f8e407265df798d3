/** Tables of Koku that are partitioned by month of `usage_start` and filled by us. */
export const partitionedSummaryTables: readonly string[] = [
  'reporting_ocpusagelineitem_daily_summary',
  'reporting_ocp_cost_summary_p',
  'reporting_ocp_cost_summary_by_node_p',
  'reporting_ocp_cost_summary_by_project_p',
  'reporting_ocp_pod_summary_p',
  'reporting_ocp_pod_summary_by_node_p',
  'reporting_ocp_pod_summary_by_project_p',
  'reporting_ocp_volume_summary_p',
  'reporting_ocp_volume_summary_by_project_p',
  'reporting_ocp_network_summary_p',
  'reporting_ocp_network_summary_by_node_p',
  'reporting_ocp_network_summary_by_project_p',
  'reporting_ocp_vm_summary_p',
  'reporting_ocp_gpu_summary_p',
  'reporting_ocp_cost_breakdown_p',
  'rates_to_usage',
];
