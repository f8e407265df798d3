-- functions/112_gpu_distribution_lines.sql
-- Purpose  costs of GPUs that no pod held, given to the projects that held GPUs of the same model on the same node
-- Formula  pool = Σ gpu cost in the namespace GPU unallocated of the day, node and model; w = Σ seconds · slices of the
--          MIG
--              instance (1 without MIG)
--          receiver:  Σ over models of w / Σ w of all receivers · pool          source:  − the pools that have
--          receivers
-- Unit     currency of the cost model; all NUMERIC
-- Domain   §8.7
-- Reads    daily summary: GPU rows in the namespace GPU unallocated; ocp_gpu_day
-- Grain    day × namespace × node; only what is not 0
-- Rerun    repeatable definition

create or replace function ocp_gpu_distribution_lines(p_source_uuid uuid, p_days date[])
returns table (usage_start date, namespace text, node text, cost_category_id integer, distributed_cost numeric)
language sql stable rows 1000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with pool_days as materialized (
        select
            usage_start,
            node,
            all_labels ->> 'gpu-model' as model_name,
            sum(cost_model_gpu_cost) as pool
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and data_source = 'GPU'
            and namespace = ocp_gpu_unallocated()
            and cost_model_rate_type in ('Infrastructure', 'Supplementary')
            and exists (select from ocp_cost_settings(p_source_uuid) where distributes_gpu)
        group by usage_start, node, all_labels ->> 'gpu-model'
    ),
    receiver_days as (
        select
            usage_day as usage_start,
            node,
            coalesce(model_name, '') as model_name,
            namespace,
            sum(uptime * coalesce(mig_slice_count, 1))::numeric as weight
        from ocp_gpu_day
        where source_uuid = p_source_uuid
            and usage_day = any(p_days)
            and namespace <> ''
            and exists (select from pool_days)
        group by usage_day, node, coalesce(model_name, ''), namespace
    ),
    shares as (
        select
            usage_start,
            node,
            model_name,
            namespace,
            weight * pool_days.pool / nullif(sum(weight) over (partition by usage_start, node, model_name), 0) as distributed_cost
        from receiver_days
        join pool_days using (usage_start, node, model_name)
    ),
    rows_of_day as (
        select usage_start, node, namespace, distributed_cost
        from shares
        where distributed_cost is not null
        union all
        select usage_start, node, ocp_gpu_unallocated(), -pool
        from pool_days
        where exists (
            select
            from shares
            where shares.usage_start = pool_days.usage_start
                and shares.node = pool_days.node
                and shares.model_name = pool_days.model_name
                and shares.distributed_cost is not null
        )
    )
    select
        usage_start,
        namespace,
        node,
        ocp_cost_category_id(namespace),
        round(sum(distributed_cost), 15)
    from rows_of_day
    group by usage_start, namespace, node
    having round(sum(distributed_cost), 15) <> 0
$$;
comment on function ocp_gpu_distribution_lines(uuid, date[]) is
'What projects get of the cost of free GPUs, and what is taken from it, for days of one month; per day the sum is 0.';
