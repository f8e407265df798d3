/**
 * Keys of Koku's tables that our upserts use (`on conflict (…)`): PostgreSQL rejects such a statement if the table has
 * no unique key of exactly these columns. Columns by table; their order does not matter.
 */
export type KeysByTable = Readonly<Record<string, readonly (readonly string[])[]>>;

/** Keys of `public`. */
export const publicKeys: KeysByTable = {
  reporting_common_costusagereportmanifest: [['provider_id', 'assembly_id']],
  reporting_common_costusagereportstatus: [['manifest_id', 'report_name']],
};

/** Keys of a tenant schema. */
export const tenantKeys: KeysByTable = {
  cost_model: [['uuid']],
  cost_model_map: [['provider_uuid', 'cost_model_id']],
  cost_model_rate: [['uuid']],
  partitioned_tables: [['schema_name', 'table_name']],
  price_list: [['uuid']],
  price_list_cost_model_map: [['price_list_id', 'cost_model_id']],
  reporting_enabledtagkeys: [['key', 'provider_type']],
  reporting_ocp_cost_category: [['name']],
  reporting_ocp_cost_category_namespace: [['namespace']],
  reporting_ocp_projects: [['project', 'cluster_id']],
  reporting_ocp_pvcs: [['persistent_volume', 'persistent_volume_claim', 'cluster_id']],
  reporting_ocptags_values: [['key', 'value']],
  reporting_ocpusagereportperiod: [['cluster_id', 'report_period_start', 'provider_id']],
  reporting_tenant_api_provider: [['uuid']],
};
