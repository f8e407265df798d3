-- summary/report-tables/cost_summary_by_node.sql
-- Purpose  reporting_ocp_cost_summary_by_node_p: all rows
-- Reads    reporting_ocp_pod_summary_by_node_p: its rows of these days, which are written before
--          reporting_ocpusagelineitem_daily_summary: the rows that are not in them
-- Writes   reporting_ocp_cost_summary_by_node_p   grain: day × cluster × rate type × node
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    deletes ($1, $2) in the same statement; same input gives same rows
with removed as (
    delete from reporting_ocp_cost_summary_by_node_p
    where source_uuid = $1
        and usage_start = any($2::date[])
)
insert into reporting_ocp_cost_summary_by_node_p (
    id,
    cluster_id,
    cluster_alias,
    usage_start,
    usage_end,
    cost_model_rate_type,
    source_uuid,
    node,
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
    node,
    sum(infrastructure_raw_cost),
    sum(infrastructure_markup_cost),
    sum(cost_model_cpu_cost),
    sum(cost_model_memory_cost),
    sum(cost_model_volume_cost),
    sum(cost_model_gpu_cost),
    sum(distributed_cost),
    max(cost_category_id),
    max(raw_currency collate "C")
from (
    select
        usage_start,
        cluster_id,
        cluster_alias,
        cost_model_rate_type,
        node,
        infrastructure_raw_cost,
        infrastructure_markup_cost,
        cost_model_cpu_cost,
        cost_model_memory_cost,
        cost_model_volume_cost,
        cost_model_gpu_cost,
        distributed_cost,
        cost_category_id,
        raw_currency
    from reporting_ocp_pod_summary_by_node_p
    where source_uuid = $1
        and usage_start = any($2::date[])
    union all
    select
        usage_start,
        cluster_id,
        cluster_alias,
        cost_model_rate_type,
        node,
        infrastructure_raw_cost,
        infrastructure_markup_cost,
        cost_model_cpu_cost,
        cost_model_memory_cost,
        cost_model_volume_cost,
        cost_model_gpu_cost,
        distributed_cost,
        cost_category_id,
        raw_currency
    from reporting_ocpusagelineitem_daily_summary
    where source_uuid = $1
        and usage_start = any($2::date[])
        and (data_source = 'Pod' and ocp_is_real_namespace(namespace)) is not true
) as line
group by
    usage_start,
    cluster_id,
    cluster_alias,
    cost_model_rate_type,
    node
