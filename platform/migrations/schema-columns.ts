import type { SummaryTable } from '../../domain/reports/summary-tables.ts';

/** Columns by table. */
export type ColumnsByTable = Readonly<Record<string, readonly string[]>>;

const words = (text: string): string[] => text.trim().split(/\s+/);

const uiCommon = words(`
  id cluster_id cluster_alias usage_start usage_end cost_model_rate_type source_uuid infrastructure_raw_cost
  infrastructure_markup_cost cost_model_cpu_cost cost_model_memory_cost cost_model_volume_cost cost_model_gpu_cost
  distributed_cost cost_category_id raw_currency`);
const resources = words('resource_ids resource_count data_source');
const podUsage = words(`
  pod_usage_cpu_core_hours pod_request_cpu_core_hours pod_effective_usage_cpu_core_hours pod_limit_cpu_core_hours
  pod_usage_memory_gigabyte_hours pod_request_memory_gigabyte_hours pod_effective_usage_memory_gigabyte_hours
  pod_limit_memory_gigabyte_hours`);
const clusterCapacity = words('cluster_capacity_cpu_core_hours cluster_capacity_memory_gigabyte_hours');
const nodeCapacity = words(`
  node_capacity_cpu_cores node_capacity_cpu_core_hours node_capacity_memory_gigabytes node_capacity_memory_gigabyte_hours`);
const volumeUsage = words(`
  persistentvolumeclaim storageclass volume_request_storage_gigabyte_months persistentvolumeclaim_usage_gigabyte_months
  persistentvolumeclaim_capacity_gigabyte_months`);
const transfer = words('infrastructure_data_in_gigabytes infrastructure_data_out_gigabytes');

const columnsOfSummaries: Readonly<Record<SummaryTable, readonly string[]>> = {
  reporting_ocpusagelineitem_daily_summary: [
    ...words(`
      uuid cluster_id cluster_alias data_source namespace node resource_id usage_start usage_end pod_labels volume_labels
      all_labels persistentvolumeclaim persistentvolume storageclass persistentvolumeclaim_capacity_gigabyte
      persistentvolumeclaim_capacity_gigabyte_months volume_request_storage_gigabyte_months
      persistentvolumeclaim_usage_gigabyte_months infrastructure_raw_cost infrastructure_project_raw_cost
      infrastructure_usage_cost infrastructure_markup_cost infrastructure_project_markup_cost cost_model_cpu_cost
      cost_model_memory_cost cost_model_rate_type cost_model_volume_cost cost_model_gpu_cost monthly_cost_type
      distributed_cost raw_currency source_uuid report_period_id cost_category_id`),
    ...podUsage,
    ...nodeCapacity,
    ...clusterCapacity,
    ...transfer,
  ],
  reporting_ocp_cost_summary_p: uiCommon,
  reporting_ocp_cost_summary_by_node_p: [...uiCommon, 'node'],
  reporting_ocp_cost_summary_by_project_p: [...uiCommon, 'namespace'],
  reporting_ocp_pod_summary_p: [...uiCommon, ...resources, ...podUsage, ...clusterCapacity],
  reporting_ocp_pod_summary_by_node_p: [
    ...uiCommon,
    ...resources,
    ...podUsage,
    ...clusterCapacity,
    ...nodeCapacity,
    'node',
  ],
  reporting_ocp_pod_summary_by_project_p: [
    ...uiCommon,
    ...resources,
    ...podUsage,
    ...clusterCapacity,
    'namespace',
  ],
  reporting_ocp_volume_summary_p: [...uiCommon, ...resources, ...volumeUsage],
  reporting_ocp_volume_summary_by_project_p: [...uiCommon, ...resources, ...volumeUsage, 'namespace'],
  reporting_ocp_network_summary_p: [...uiCommon, ...resources, ...transfer],
  reporting_ocp_network_summary_by_node_p: [...uiCommon, ...resources, ...transfer, 'node'],
  reporting_ocp_network_summary_by_project_p: [...uiCommon, ...resources, ...transfer, 'namespace'],
  reporting_ocp_vm_summary_p: [
    ...uiCommon,
    ...words(`
      namespace node vm_name pod_labels pod_request_cpu_core_hours pod_request_memory_gigabyte_hours resource_ids
      persistentvolumeclaim persistentvolumeclaim_capacity_gigabyte_months persistentvolumeclaim_usage_gigabyte_months
      storageclass`),
  ],
  reporting_ocp_gpu_summary_p: words(`
    id cluster_id cluster_alias namespace node usage_start usage_end vendor_name model_name memory_capacity_gb gpu_count
    cost_model_gpu_cost raw_currency cost_model_rate_type cost_category_id source_uuid gpu_max_slices gpu_mode
    mig_memory_capacity_gb mig_profile mig_slice_count mig_strategy gpu_uuid mig_instance_id`),
  reporting_ocp_cost_breakdown_p: words(`
    id usage_start usage_end cluster_id custom_name metric_type path depth parent_path top_category breakdown_category
    source_uuid`),
  rates_to_usage: words('uuid usage_start usage_end source_uuid cluster_id custom_name metric_type'),
};

/** Columns of `public` that this program reads or writes. */
export const publicColumns: ColumnsByTable = {
  api_customer: words('id date_created date_updated uuid schema_name org_id'),
  api_tenant: words('id schema_name'),
  api_providerauthentication: words('id uuid credentials'),
  api_providerinfrastructuremap: words('id infrastructure_type infrastructure_provider_id'),
  api_providerbillingsource: words('id uuid data_source'),
  api_provider: words(`
    uuid name type setup_complete created_timestamp data_updated_timestamp active authentication_id billing_source_id
    customer_id infrastructure_id paused`),
  api_sources: words(`
    source_id source_uuid name offset account_id source_type authentication billing_source koku_uuid pending_delete
    pending_update out_of_order_delete status paused provider_id org_id updated_timestamp`),
  reporting_common_costusagereportmanifest: words(`
    id assembly_id billing_period_start_datetime num_total_files provider_id operator_version cluster_channel
    operator_airgapped operator_certified operator_errors cluster_id operator_daily_reports creation_datetime
    export_datetime completed_datetime state`),
  reporting_common_costusagereportstatus: words(`
    id report_name manifest_id started_datetime completed_datetime failed_status status`),
};

/**
 * Columns of a tenant schema that this program reads or writes. What Koku keeps but nobody fills any more
 * (monthly cost as JSON, supplementary usage cost) is left out, so that Koku may drop it.
 */
export const tenantColumns: ColumnsByTable = {
  ...columnsOfSummaries,
  reporting_tenant_api_provider: words('uuid name type provider_id'),
  reporting_ocpusagereportperiod: words(`
    id cluster_id cluster_alias report_period_start report_period_end ocp_on_cloud_updated_datetime
    summary_data_creation_datetime summary_data_updated_datetime derived_cost_datetime provider_id`),
  tenant_settings: words('id data_retention_months singleton'),
  partitioned_tables: words(`
    id schema_name table_name partition_of_table_name partition_type partition_col partition_parameters active`),
  reporting_ocp_cost_category: words('id name description source_type system_default label'),
  reporting_ocp_cost_category_namespace: words('id namespace system_default cost_category_id'),
  reporting_enabledtagkeys: words('uuid key enabled provider_type'),
  reporting_tagmapping: words('id child_id parent_id'),
  reporting_ocpusagepodlabel_summary: words('uuid key values report_period_id namespace node'),
  reporting_ocpstoragevolumelabel_summary: words('uuid key values report_period_id namespace node'),
  reporting_ocptags_values: words('uuid key value cluster_ids cluster_aliases namespaces nodes'),
  cost_model: words(`
    uuid name description source_type created_timestamp updated_timestamp rates markup distribution currency
    distribution_info`),
  cost_model_map: words('id provider_uuid cost_model_id'),
  price_list: words(`
    uuid name description currency effective_start_date effective_end_date enabled version rates created_timestamp
    updated_timestamp`),
  price_list_cost_model_map: words('id priority cost_model_id price_list_id'),
  cost_model_rate: words(`
    uuid custom_name description metric metric_type cost_type default_rate tag_key tag_values created_timestamp
    updated_timestamp price_list_id`),
  reporting_ocp_clusters: words('uuid cluster_id cluster_alias provider_id'),
  reporting_ocp_nodes: words(
    'uuid node resource_id node_capacity_cpu_cores node_role architecture cluster_id',
  ),
  reporting_ocp_projects: words('uuid project cluster_id'),
  reporting_ocp_pvcs: words('uuid persistent_volume_claim persistent_volume csi_volume_handle cluster_id'),
};
