-- Up Migration
-- Meaning and unit of the tables and columns whose names are Koku's; only where this program created them.
-- A "gigabyte" in a column name is 2^30 bytes (GiB), except in the three places that say otherwise.

do $$
declare
    entry record;
begin
    for entry in
        with table_meaning (table_name, meaning) as (
            values
                ('reporting_tenant_api_provider', 'Sources of the tenant; a copy of public.api_provider that tenant tables refer to.'),
                ('reporting_ocpusagereportperiod', 'Report periods: one row per (source, cluster, month).'),
                ('tenant_settings', 'One row: how many calendar months the tenant keeps.'),
                ('partitioned_tables', 'Register of partitions.'),
                ('reporting_ocp_cost_category', 'Cost categories: groups of namespaces.'),
                ('reporting_ocp_cost_category_namespace', 'Namespace patterns (SQL LIKE) of the cost categories; a row belongs to the greatest category id that matches.'),
                ('reporting_enabledtagkeys', 'Label keys seen; only enabled ones reach the summaries.'),
                ('reporting_tagmapping', 'Label keys that count as another key (the parent).'),
                ('reporting_ocpusagepodlabel_summary', 'Enabled pod labels by report period, namespace and node; values never shrink inside a period.'),
                ('reporting_ocpstoragevolumelabel_summary', 'Enabled volume labels by report period, namespace and node; values never shrink inside a period.'),
                ('reporting_ocptags_values', 'Each label value with the clusters, namespaces and nodes it was seen in.'),
                ('cost_model', 'Cost models; markup and distribution settings apply from here, rates from the price lists.'),
                ('cost_model_map', 'Which cost model a source uses.'),
                ('price_list', 'Price lists with the dates they are valid for.'),
                ('price_list_cost_model_map', 'Price lists of a cost model; the lowest priority number that is valid applies.'),
                ('cost_model_rate', 'Rates of a price list, one per metric and name.'),
                ('reporting_ocp_clusters', 'Clusters: one row per source.'),
                ('reporting_ocp_nodes', 'Nodes seen, with role and capacity; a capacity change adds a row.'),
                ('reporting_ocp_projects', 'Namespaces seen in a cluster.'),
                ('reporting_ocp_pvcs', 'Persistent volumes and their claims seen in a cluster.'),
                ('reporting_ocpusagelineitem_daily_summary', 'Daily usage and cost: measured rows (no rate type) and cost rows of the cost model (one rate type each).'),
                ('rates_to_usage', 'Cost per single rate and key; not filled by this program.'),
                ('reporting_ocp_cost_breakdown_p', 'Tree of costs per cluster and day; not filled by this program.'),
                ('reporting_ocp_cost_summary_p', 'Cost per cluster and day.'),
                ('reporting_ocp_cost_summary_by_node_p', 'Cost per node and day.'),
                ('reporting_ocp_cost_summary_by_project_p', 'Cost per namespace and day.'),
                ('reporting_ocp_pod_summary_p', 'Pod usage and cost per cluster and day.'),
                ('reporting_ocp_pod_summary_by_node_p', 'Pod usage and cost per node and day.'),
                ('reporting_ocp_pod_summary_by_project_p', 'Pod usage and cost per namespace and day.'),
                ('reporting_ocp_volume_summary_p', 'Volume usage and cost per claim, storage class and day.'),
                ('reporting_ocp_volume_summary_by_project_p', 'Volume usage and cost per namespace, claim, storage class and day.'),
                ('reporting_ocp_network_summary_p', 'Unattributed network transfer and cost per cluster and day.'),
                ('reporting_ocp_network_summary_by_node_p', 'Unattributed network transfer and cost per node and day.'),
                ('reporting_ocp_network_summary_by_project_p', 'Unattributed network transfer and cost per namespace and day.'),
                ('reporting_ocp_vm_summary_p', 'Virtual machines of a month; one row spans from the first to the last day with cost.'),
                ('reporting_ocp_gpu_summary_p', 'GPU use and cost per GPU (or MIG instance), node, namespace and day.')
        ),
        column_meaning (column_name, meaning) as (
            values
                ('all_labels', 'Labels that reports filter by: pod_labels or volume_labels of the row.'),
                ('cluster_alias', 'Name of the source.'),
                ('cluster_capacity_cpu_core_hours', 'CPU capacity of the cluster on the day, core-hours: hourly maxima per node, summed.'),
                ('cluster_capacity_memory_gigabyte_hours', 'Memory capacity of the cluster on the day, GiB-hours.'),
                ('cost_category_id', 'Cost category of the namespace; NULL when none matches.'),
                ('cost_model_cpu_cost', 'CPU part of a cost-model row, in the cost model''s currency.'),
                ('cost_model_memory_cost', 'Memory part of a cost-model row, in the cost model''s currency.'),
                ('cost_model_volume_cost', 'Volume part of a cost-model row, in the cost model''s currency.'),
                ('cost_model_gpu_cost', 'GPU part of a cost-model row, in the cost model''s currency.'),
                ('cost_model_rate_type', 'NULL: measured usage or cloud cost; Infrastructure, Supplementary: cost-model rows; platform_distributed, worker_distributed, unattributed_storage, unattributed_network, gpu_distributed: distribution rows.'),
                ('data_source', 'Pod, Storage or GPU.'),
                ('distributed_cost', 'Cost moved between namespaces by distribution; per type and day it adds up to 0.'),
                ('gpu_max_slices', 'Most MIG slices the GPU model can be split into.'),
                ('infrastructure_data_in_gigabytes', 'Inbound transfer, in the cloud bill''s GB (not GiB).'),
                ('infrastructure_data_out_gigabytes', 'Outbound transfer, in the cloud bill''s GB (not GiB).'),
                ('infrastructure_markup_cost', 'Markup on the raw cost, in raw_currency; NULL without a markup.'),
                ('infrastructure_monthly_cost', 'Not filled any more.'),
                ('infrastructure_monthly_cost_json', 'Not filled any more.'),
                ('infrastructure_project_markup_cost', 'Markup on the project''s raw cost, in raw_currency.'),
                ('infrastructure_project_monthly_cost', 'Not filled any more.'),
                ('infrastructure_project_raw_cost', 'Cloud cost of the project, in raw_currency.'),
                ('infrastructure_raw_cost', 'Cloud cost, in raw_currency; NULL on measured usage.'),
                ('infrastructure_usage_cost', 'Zeros on measured rows; not used any more.'),
                ('memory_capacity_gb', 'Memory of the GPU, decimal GB: MiB × 0.001048576.'),
                ('mig_memory_capacity_gb', 'Memory of the MIG instance, decimal GB.'),
                ('mig_slice_count', 'Slices of the MIG instance; NULL for a dedicated GPU.'),
                ('monthly_cost_type', 'Kind of monthly rate a cost row comes from: Cluster, Node, Node_Core_Month, Node_Core_Hour, PVC, OCP_VM, OCP_VM_CORE, Tag; NULL otherwise.'),
                ('namespace', 'Namespace (project). Platform unallocated, Worker unallocated, Storage unattributed, Network unattributed and GPU unallocated are made by the pipeline.'),
                ('node', 'Node; NULL for volumes that no pod mounts.'),
                ('node_capacity_cpu_core_hours', 'CPU capacity of the node on the day, core-hours: hourly maxima, summed.'),
                ('node_capacity_cpu_cores', 'Cores of the node.'),
                ('node_capacity_memory_gigabyte_hours', 'Memory capacity of the node on the day, GiB-hours.'),
                ('node_capacity_memory_gigabytes', 'Memory of the node, GiB.'),
                ('persistentvolumeclaim_capacity_gigabyte', 'Capacity of the volume, GiB.'),
                ('persistentvolumeclaim_capacity_gigabyte_months', 'Capacity, GiB-months: byte-seconds / (86400 × days of the month) / 2^30; not divided among nodes.'),
                ('persistentvolumeclaim_usage_gigabyte_months', 'Storage used, GiB-months, divided among the nodes that mount the volume.'),
                ('volume_request_storage_gigabyte_months', 'Storage requested, GiB-months, divided among the nodes that mount the volume.'),
                ('pod_labels', 'Enabled labels of the pod, merged with those of its namespace and node.'),
                ('volume_labels', 'Enabled labels of the claim, merged with those of its volume, namespace and node.'),
                ('pod_usage_cpu_core_hours', 'CPU used, core-hours.'),
                ('pod_request_cpu_core_hours', 'CPU requested, core-hours.'),
                ('pod_effective_usage_cpu_core_hours', 'CPU that is charged, core-hours: min or max of usage and request per hour, by the rules profile.'),
                ('pod_limit_cpu_core_hours', 'CPU limit, core-hours.'),
                ('pod_usage_memory_gigabyte_hours', 'Memory used, GiB-hours.'),
                ('pod_request_memory_gigabyte_hours', 'Memory requested, GiB-hours.'),
                ('pod_effective_usage_memory_gigabyte_hours', 'Memory that is charged, GiB-hours: min or max of usage and request per hour, by the rules profile.'),
                ('pod_limit_memory_gigabyte_hours', 'Memory limit, GiB-hours.'),
                ('raw_currency', 'Currency of the cloud bill; NULL on usage and cost-model rows.'),
                ('report_period_id', 'Report period (month).'),
                ('resource_count', 'Number of distinct resource ids that are not NULL.'),
                ('resource_id', 'Cloud instance id of the node; may be blank.'),
                ('resource_ids', 'Distinct resource ids of the rows summed; contains NULL if any of them is NULL.'),
                ('source_uuid', 'Source.'),
                ('supplementary_monthly_cost', 'Not filled any more.'),
                ('supplementary_monthly_cost_json', 'Not filled any more.'),
                ('supplementary_project_monthly_cost', 'Not filled any more.'),
                ('supplementary_usage_cost', 'Not filled any more.'),
                ('usage_end', 'Last UTC day of the row; equal to usage_start except for virtual machines.'),
                ('usage_start', 'UTC day; the partition key.')
        ),
        own_table as (
            select c.oid as table_id, c.relname as name, c.relkind, d.meaning
            from table_meaning d
            join pg_class c on c.relname = d.table_name
            where c.relnamespace = (select oid from pg_namespace where nspname = current_schema())
                and not exists (select from ocp_adopted_table o where o.name = c.relname)
        )
        select format('comment on table %I is %L', o.name, o.meaning) as statement
        from own_table o
        union all
        select format('comment on column %I.%I is %L', o.name, a.attname, d.meaning)
        from own_table o
        join pg_attribute a on a.attrelid = o.table_id and a.attnum > 0 and not a.attisdropped
        join column_meaning d on d.column_name = a.attname
        where o.relkind = 'p'
    loop
        execute entry.statement;
    end loop;
end
$$;
