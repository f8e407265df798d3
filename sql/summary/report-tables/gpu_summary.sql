-- summary/report-tables/gpu_summary.sql
-- Purpose  reporting_ocp_gpu_summary_p: GPUs and MIG instances that pods used
-- Reads    without a GPU rate: ocp_gpu_day (pod × GPU × day)
--          with one: GPU rows of reporting_ocpusagelineitem_daily_summary
-- Writes   reporting_ocp_gpu_summary_p   grain: day × cluster × namespace × node × GPU × MIG instance × rate type
-- Units    memory in decimal GB: MiB · 2^20 / 10^9
-- Params   $1 source_uuid uuid   $2 days date[] (UTC) of one month
-- Rerun    deletes ($1, $2) in the same statement; same input gives same rows
with removed as (
    delete from reporting_ocp_gpu_summary_p
    where source_uuid = $1
        and usage_start = any($2::date[])
),
price as materialized (
    select
        ocp_has_gpu_rate($1, min(day)) as has_rate
    from unnest($2::date[]) as day
),
gpu_days as (
    select
        cluster.cluster_id,
        cluster.cluster_alias,
        gpu.namespace,
        gpu.node,
        gpu.usage_day,
        gpu.vendor_name,
        gpu.model_name,
        gpu.memory_mib::numeric as memory_mib,
        -- Counted only while GPUs have no price.
        gpu.gpu_uuid as counted_gpu_uuid,
        null::numeric as cost_model_gpu_cost,
        null::text as raw_currency,
        null::text as cost_model_rate_type,
        ocp_cost_category_id(gpu.namespace) as cost_category_id,
        gpu.gpu_max_slices,
        case when nullif(gpu.mig_profile, '') is null then 'dedicated' else 'MIG' end as gpu_mode,
        gpu.mig_memory_mib::numeric as mig_memory_mib,
        nullif(gpu.mig_profile, '') as mig_profile,
        gpu.mig_slice_count,
        gpu.mig_strategy,
        gpu.gpu_uuid,
        gpu.mig_instance_id
    from ocp_gpu_day as gpu
    cross join (
        select
            cluster_id,
            cluster_alias
        from reporting_ocp_clusters
        where provider_id = $1
        limit 1
    ) as cluster
    where not (select has_rate from price)
        and gpu.source_uuid = $1
        and gpu.usage_day = any($2::date[])
    union all
    select
        line.cluster_id,
        line.cluster_alias,
        line.namespace,
        line.node,
        line.usage_start,
        line.all_labels ->> 'gpu-vendor',
        line.all_labels ->> 'gpu-model',
        nullif(line.all_labels ->> 'gpu-memory-mib', '')::numeric,
        null,
        line.cost_model_gpu_cost,
        line.raw_currency,
        line.cost_model_rate_type,
        line.cost_category_id,
        nullif(line.all_labels ->> 'gpu-max-slices', '')::double precision,
        coalesce(nullif(line.all_labels ->> 'gpu-mode', ''), 'dedicated'),
        nullif(line.all_labels ->> 'mig-memory-mib', '')::numeric,
        nullif(line.all_labels ->> 'mig-profile', ''),
        nullif(line.all_labels ->> 'mig-slice-count', '')::double precision,
        line.all_labels ->> 'mig-strategy',
        line.all_labels ->> 'gpu-uuid',
        nullif(line.all_labels ->> 'mig-instance-id', '')
    from reporting_ocpusagelineitem_daily_summary as line
    where (select has_rate from price)
        and line.source_uuid = $1
        and line.usage_start = any($2::date[])
        and line.data_source = 'GPU'
        and line.namespace <> ocp_gpu_unallocated()
        and line.cost_model_rate_type is distinct from 'gpu_distributed'
)
insert into reporting_ocp_gpu_summary_p (
    id,
    cluster_id,
    cluster_alias,
    namespace,
    node,
    usage_start,
    usage_end,
    vendor_name,
    model_name,
    memory_capacity_gb,
    gpu_count,
    cost_model_gpu_cost,
    raw_currency,
    cost_model_rate_type,
    cost_category_id,
    source_uuid,
    gpu_max_slices,
    gpu_mode,
    mig_memory_capacity_gb,
    mig_profile,
    mig_slice_count,
    mig_strategy,
    gpu_uuid,
    mig_instance_id
)
-- The casts cut what is longer than the column: one odd text must not stop the whole table.
select
    gen_random_uuid(),
    cluster_id,
    cluster_alias,
    namespace,
    node,
    usage_day,
    usage_day,
    vendor_name::varchar(128),
    model_name::varchar(128),
    max(memory_mib) * 0.001048576,
    nullif(count(distinct counted_gpu_uuid), 0),
    sum(cost_model_gpu_cost),
    max(raw_currency collate "C"),
    cost_model_rate_type,
    cost_category_id,
    $1,
    max(gpu_max_slices),
    max(gpu_mode collate "C"),
    max(mig_memory_mib) * 0.001048576,
    mig_profile::varchar(64),
    max(mig_slice_count),
    max(mig_strategy collate "C")::varchar(10),
    gpu_uuid::varchar(128),
    mig_instance_id::varchar(128)
from gpu_days
group by
    usage_day,
    cluster_id,
    cluster_alias,
    cost_model_rate_type,
    cost_category_id,
    namespace,
    node,
    vendor_name,
    model_name,
    mig_profile,
    gpu_uuid,
    mig_instance_id
