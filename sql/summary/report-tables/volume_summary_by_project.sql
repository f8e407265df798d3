-- summary/report-tables/volume_summary_by_project.sql
-- Purpose  reporting_ocp_volume_summary_by_project_p: storage rows with a claim
-- Reads    reporting_ocpusagelineitem_daily_summary
-- Writes   reporting_ocp_volume_summary_by_project_p   grain: day × cluster × rate type × namespace ×
--          persistentvolumeclaim × storageclass
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    deletes ($1, $2) in the same statement; same input gives same rows
with removed as (
    delete from reporting_ocp_volume_summary_by_project_p
    where source_uuid = $1
        and usage_start = any($2::date[])
)
insert into reporting_ocp_volume_summary_by_project_p (
    id,
    cluster_id,
    cluster_alias,
    usage_start,
    usage_end,
    cost_model_rate_type,
    source_uuid,
    namespace,
    persistentvolumeclaim,
    storageclass,
    resource_ids,
    resource_count,
    data_source,
    volume_request_storage_gigabyte_months,
    persistentvolumeclaim_usage_gigabyte_months,
    persistentvolumeclaim_capacity_gigabyte_months,
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
    namespace,
    persistentvolumeclaim,
    storageclass,
    array_agg(distinct resource_id),
    count(distinct resource_id),
    max(data_source collate "C"),
    sum(volume_request_storage_gigabyte_months),
    sum(persistentvolumeclaim_usage_gigabyte_months),
    sum(persistentvolumeclaim_capacity_gigabyte_months),
    sum(infrastructure_raw_cost),
    sum(infrastructure_markup_cost),
    sum(cost_model_cpu_cost),
    sum(cost_model_memory_cost),
    sum(cost_model_volume_cost),
    sum(cost_model_gpu_cost),
    sum(distributed_cost),
    max(cost_category_id),
    max(raw_currency collate "C")
from reporting_ocpusagelineitem_daily_summary
where source_uuid = $1
    and usage_start = any($2::date[])
    and data_source = 'Storage'
    and persistentvolumeclaim is not null
group by
    usage_start,
    cluster_id,
    cluster_alias,
    cost_model_rate_type,
    namespace,
    persistentvolumeclaim,
    storageclass
