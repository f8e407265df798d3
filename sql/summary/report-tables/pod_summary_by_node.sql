-- summary/report-tables/pod_summary_by_node.sql
-- Purpose  reporting_ocp_pod_summary_by_node_p: pod rows of real namespaces
-- Reads    reporting_ocpusagelineitem_daily_summary
-- Writes   reporting_ocp_pod_summary_by_node_p   grain: day × cluster × rate type × node
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    deletes ($1, $2) in the same statement; same input gives same rows
with removed as (
    delete from reporting_ocp_pod_summary_by_node_p
    where source_uuid = $1
        and usage_start = any($2::date[])
)
insert into reporting_ocp_pod_summary_by_node_p (
    id,
    cluster_id,
    cluster_alias,
    usage_start,
    usage_end,
    cost_model_rate_type,
    source_uuid,
    node,
    resource_ids,
    resource_count,
    data_source,
    pod_usage_cpu_core_hours,
    pod_request_cpu_core_hours,
    pod_effective_usage_cpu_core_hours,
    pod_limit_cpu_core_hours,
    pod_usage_memory_gigabyte_hours,
    pod_request_memory_gigabyte_hours,
    pod_effective_usage_memory_gigabyte_hours,
    pod_limit_memory_gigabyte_hours,
    cluster_capacity_cpu_core_hours,
    cluster_capacity_memory_gigabyte_hours,
    node_capacity_cpu_cores,
    node_capacity_cpu_core_hours,
    node_capacity_memory_gigabytes,
    node_capacity_memory_gigabyte_hours,
    infrastructure_raw_cost,
    infrastructure_markup_cost,
    cost_model_cpu_cost,
    cost_model_memory_cost,
    cost_model_volume_cost,
    cost_model_gpu_cost,
    distributed_cost,
    cost_category_id,
    raw_currency
)
select
    gen_random_uuid(),
    line.cluster_id,
    line.cluster_alias,
    line.usage_start,
    line.usage_start,
    line.cost_model_rate_type,
    $1,
    line.node,
    resource.ids,
    resource.count,
    line.data_source,
    line.pod_usage_cpu_core_hours,
    line.pod_request_cpu_core_hours,
    line.pod_effective_usage_cpu_core_hours,
    line.pod_limit_cpu_core_hours,
    line.pod_usage_memory_gigabyte_hours,
    line.pod_request_memory_gigabyte_hours,
    line.pod_effective_usage_memory_gigabyte_hours,
    line.pod_limit_memory_gigabyte_hours,
    line.cluster_capacity_cpu_core_hours,
    line.cluster_capacity_memory_gigabyte_hours,
    line.node_capacity_cpu_cores,
    line.node_capacity_cpu_core_hours,
    line.node_capacity_memory_gigabytes,
    line.node_capacity_memory_gigabyte_hours,
    line.infrastructure_raw_cost,
    line.infrastructure_markup_cost,
    line.cost_model_cpu_cost,
    line.cost_model_memory_cost,
    line.cost_model_volume_cost,
    line.cost_model_gpu_cost,
    line.distributed_cost,
    line.cost_category_id,
    line.raw_currency
from (
    select
        cluster_id,
        cluster_alias,
        usage_start,
        cost_model_rate_type,
        node,
        array_agg(resource_id) as resource_ids,
        max(data_source collate "C") as data_source,
        sum(pod_usage_cpu_core_hours) as pod_usage_cpu_core_hours,
        sum(pod_request_cpu_core_hours) as pod_request_cpu_core_hours,
        sum(pod_effective_usage_cpu_core_hours) as pod_effective_usage_cpu_core_hours,
        sum(pod_limit_cpu_core_hours) as pod_limit_cpu_core_hours,
        sum(pod_usage_memory_gigabyte_hours) as pod_usage_memory_gigabyte_hours,
        sum(pod_request_memory_gigabyte_hours) as pod_request_memory_gigabyte_hours,
        sum(pod_effective_usage_memory_gigabyte_hours) as pod_effective_usage_memory_gigabyte_hours,
        sum(pod_limit_memory_gigabyte_hours) as pod_limit_memory_gigabyte_hours,
        max(cluster_capacity_cpu_core_hours) as cluster_capacity_cpu_core_hours,
        max(cluster_capacity_memory_gigabyte_hours) as cluster_capacity_memory_gigabyte_hours,
        max(node_capacity_cpu_cores) as node_capacity_cpu_cores,
        max(node_capacity_cpu_core_hours) as node_capacity_cpu_core_hours,
        max(node_capacity_memory_gigabytes) as node_capacity_memory_gigabytes,
        max(node_capacity_memory_gigabyte_hours) as node_capacity_memory_gigabyte_hours,
        sum(infrastructure_raw_cost) as infrastructure_raw_cost,
        sum(infrastructure_markup_cost) as infrastructure_markup_cost,
        sum(cost_model_cpu_cost) as cost_model_cpu_cost,
        sum(cost_model_memory_cost) as cost_model_memory_cost,
        sum(cost_model_volume_cost) as cost_model_volume_cost,
        sum(cost_model_gpu_cost) as cost_model_gpu_cost,
        sum(distributed_cost) as distributed_cost,
        max(cost_category_id) as cost_category_id,
        max(raw_currency collate "C") as raw_currency
    from reporting_ocpusagelineitem_daily_summary
    where source_uuid = $1
        and usage_start = any($2::date[])
        and data_source = 'Pod'
        and ocp_is_real_namespace(namespace)
    group by
        usage_start,
        cluster_id,
        cluster_alias,
        cost_model_rate_type,
        node
) as line
-- Not in the aggregates above: one that is distinct would have all rows sorted, in place of hashed.
cross join lateral (
    select
        array_agg(distinct resource_id) as ids,
        count(distinct resource_id) as count
    from unnest(line.resource_ids) as resource_id
) as resource
