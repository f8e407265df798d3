-- summary/report-tables/network_summary_by_project.sql
-- Purpose  reporting_ocp_network_summary_by_project_p: data transfer that no pod is charged for
-- Reads    reporting_ocpusagelineitem_daily_summary; reporting_ocp_cost_summary_by_project_p, which is written before
-- Writes   reporting_ocp_network_summary_by_project_p   grain: day × cluster × rate type × namespace × direction (in,
--          out)
-- Units    gigabytes of the cloud bill, not 2^30 bytes
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    deletes ($1, $2) in the same statement; same input gives same rows
with removed as (
    delete from reporting_ocp_network_summary_by_project_p
    where source_uuid = $1
        and usage_start = any($2::date[])
)
insert into reporting_ocp_network_summary_by_project_p (
    id,
    cluster_id,
    cluster_alias,
    usage_start,
    usage_end,
    cost_model_rate_type,
    source_uuid,
    namespace,
    resource_ids,
    resource_count,
    data_source,
    infrastructure_data_in_gigabytes,
    infrastructure_data_out_gigabytes,
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
    line.namespace,
    array_agg(distinct line.resource_id),
    count(distinct line.resource_id),
    max(line.data_source collate "C"),
    sum(transfer.in_gigabytes),
    sum(transfer.out_gigabytes),
    sum(line.infrastructure_raw_cost),
    sum(line.infrastructure_markup_cost),
    sum(line.cost_model_cpu_cost),
    sum(line.cost_model_memory_cost),
    sum(line.cost_model_volume_cost),
    sum(line.cost_model_gpu_cost),
    sum(line.distributed_cost),
    max(line.cost_category_id),
    max(line.raw_currency collate "C")
from reporting_ocpusagelineitem_daily_summary as line
-- A row of the bill has one direction; a row with neither is no transfer.
cross join lateral (
    values
        ('in', line.infrastructure_data_in_gigabytes, 0::numeric),
        ('out', 0::numeric, line.infrastructure_data_out_gigabytes)
) as transfer (direction, in_gigabytes, out_gigabytes)
where line.source_uuid = $1
    and line.usage_start = any($2::date[])
    and line.data_source = 'Pod'
    and line.namespace = ocp_network_unattributed()
    -- Most clusters have no such rows: then the daily summary is not read.
    and exists (
        select
        from reporting_ocp_cost_summary_by_project_p as project
        where project.source_uuid = $1
            and project.usage_start = any($2::date[])
            and project.namespace = ocp_network_unattributed()
    )
    and transfer.in_gigabytes is not null
    and transfer.out_gigabytes is not null
group by
    line.usage_start,
    line.cluster_id,
    line.cluster_alias,
    line.cost_model_rate_type,
    line.namespace,
    transfer.direction
