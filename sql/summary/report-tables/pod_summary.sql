-- summary/report-tables/pod_summary.sql
-- Purpose  reporting_ocp_pod_summary_p: pod rows of real namespaces
-- Reads    reporting_ocpusagelineitem_daily_summary
-- Writes   reporting_ocp_pod_summary_p   grain: day × cluster × rate type
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    deletes ($1, $2) in the same statement; same input gives same rows
with removed as (
    delete from reporting_ocp_pod_summary_p
    where source_uuid = $1
        and usage_start = any($2::date[])
)
insert into reporting_ocp_pod_summary_p (
    id,
    cluster_id,
    cluster_alias,
    usage_start,
    usage_end,
    cost_model_rate_type,
    source_uuid,
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
    cluster_id,
    cluster_alias,
    usage_start,
    usage_start,
    cost_model_rate_type,
    $1,
    array_agg(distinct resource_id),
    count(distinct resource_id),
    max(data_source),
    sum(pod_usage_cpu_core_hours),
    sum(pod_request_cpu_core_hours),
    sum(pod_effective_usage_cpu_core_hours),
    sum(pod_limit_cpu_core_hours),
    sum(pod_usage_memory_gigabyte_hours),
    sum(pod_request_memory_gigabyte_hours),
    sum(pod_effective_usage_memory_gigabyte_hours),
    sum(pod_limit_memory_gigabyte_hours),
    max(cluster_capacity_cpu_core_hours),
    max(cluster_capacity_memory_gigabyte_hours),
    sum(infrastructure_raw_cost),
    sum(infrastructure_markup_cost),
    sum(cost_model_cpu_cost),
    sum(cost_model_memory_cost),
    sum(cost_model_volume_cost),
    sum(cost_model_gpu_cost),
    sum(distributed_cost),
    max(cost_category_id),
    max(raw_currency)
from reporting_ocpusagelineitem_daily_summary
where source_uuid = $1
    and usage_start = any($2::date[])
    and data_source = 'Pod'
    and ocp_is_real_namespace(namespace)
group by
    usage_start,
    cluster_id,
    cluster_alias,
    cost_model_rate_type
