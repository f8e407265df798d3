-- costs/insert_costs.sql
-- Purpose  cost rows of days: sums of the lines of all rates
-- Reads    ocp_cost_lines (functions/110)
-- Writes   reporting_ocpusagelineitem_daily_summary   grain: key of the lines × rate type × monthly type; all usage
--          rates of a key in one row, any other metric in rows of its own
-- Domain   §8.1, table of what a cost row carries: usage columns are NULL, costs of a kind that the row has none of are
--          0, or NULL where only one kind is possible
-- Params   $1 source_uuid uuid   $2 days date[] (UTC) of one month
-- Rerun    the caller deletes the days' cost rows first
with prefix as materialized (
    select ocp_uuid_prefix() as text
),
line as (
    select
        cost_line.*,
        case
            when cost_line.monthly_cost_type is null and cost_line.metric not like 'vm%' then 'usage'
            else cost_line.metric
        end as row_metric
    from ocp_cost_lines($1, $2::date[]) as cost_line
),
cost_rows as (
    select
        usage_start,
        data_source,
        namespace,
        node,
        resource_id,
        persistentvolumeclaim,
        persistentvolume,
        storageclass,
        pod_labels,
        volume_labels,
        all_labels,
        cost_category_id,
        node_capacity_cpu_cores,
        node_capacity_cpu_core_hours,
        node_capacity_memory_gigabytes,
        node_capacity_memory_gigabyte_hours,
        cluster_capacity_cpu_core_hours,
        cluster_capacity_memory_gigabyte_hours,
        cost_model_rate_type,
        monthly_cost_type,
        row_metric = 'gpu_cost_per_month' as is_gpu,
        row_metric in ('vm_cost_per_hour', 'vm_core_cost_per_hour', 'project_per_month') as is_cpu_only,
        sum(cost) filter (where cost_column = 'cpu') as cpu_cost,
        sum(cost) filter (where cost_column = 'memory') as memory_cost,
        sum(cost) filter (where cost_column = 'volume') as volume_cost,
        sum(cost) filter (where cost_column = 'gpu') as gpu_cost
    from line
    group by
        usage_start, data_source, namespace, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass,
        pod_labels, volume_labels, all_labels, cost_category_id, node_capacity_cpu_cores, node_capacity_cpu_core_hours,
        node_capacity_memory_gigabytes, node_capacity_memory_gigabyte_hours, cluster_capacity_cpu_core_hours,
        cluster_capacity_memory_gigabyte_hours, cost_model_rate_type, monthly_cost_type, row_key, row_metric
)
insert into reporting_ocpusagelineitem_daily_summary (
    uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end, namespace, node, resource_id,
    persistentvolumeclaim, persistentvolume, storageclass, pod_labels, volume_labels, all_labels, cost_category_id,
    node_capacity_cpu_cores, node_capacity_cpu_core_hours, node_capacity_memory_gigabytes,
    node_capacity_memory_gigabyte_hours, cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
    cost_model_rate_type, monthly_cost_type, cost_model_cpu_cost, cost_model_memory_cost, cost_model_volume_cost,
    cost_model_gpu_cost, infrastructure_markup_cost, infrastructure_project_markup_cost, source_uuid
)
select
    ocp_row_uuid(prefix.text, row_number() over ()),
    cluster_day.report_period_id,
    cluster_day.cluster_id,
    cluster_day.cluster_alias,
    cost.data_source,
    cost.usage_start,
    cost.usage_start,
    cost.namespace,
    cost.node,
    cost.resource_id,
    cost.persistentvolumeclaim,
    cost.persistentvolume,
    cost.storageclass,
    cost.pod_labels,
    cost.volume_labels,
    cost.all_labels,
    cost.cost_category_id,
    cost.node_capacity_cpu_cores,
    cost.node_capacity_cpu_core_hours,
    cost.node_capacity_memory_gigabytes,
    cost.node_capacity_memory_gigabyte_hours,
    cost.cluster_capacity_cpu_core_hours,
    cost.cluster_capacity_memory_gigabyte_hours,
    cost.cost_model_rate_type,
    cost.monthly_cost_type,
    case when not cost.is_gpu then coalesce(cost.cpu_cost, 0) end,
    case when not cost.is_gpu and not cost.is_cpu_only then coalesce(cost.memory_cost, 0) end,
    case when not cost.is_gpu and not cost.is_cpu_only then coalesce(cost.volume_cost, 0) end,
    cost.gpu_cost,
    -- Markup is of cloud cost, of which these rows have none.
    setting.markup * 0,
    setting.markup * 0,
    $1
from cost_rows as cost
cross join prefix
cross join ocp_cost_settings($1) as setting
join ocp_cluster_days($1, $2::date[]) as cluster_day
    on cluster_day.usage_start = cost.usage_start
