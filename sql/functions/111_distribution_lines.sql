-- functions/111_distribution_lines.sql
-- Purpose  costs of the platform, of idle workers, and of storage and network that nobody accounts for, given to
--          projects
-- Formula  pool = Σ (raw + markup + cpu + memory + volume) of the source rows of the day; w = effective core-hours, or
--              GiB-hours where costs are distributed by memory
--          receiver:  w / Σ w of all receivers · pool          source:  − its own cost, so that the day adds up to 0
--          Receivers whose weights add up to 0 or less get nothing, and then the sources keep their cost
--          platform_distributed    category Platform           worker_distributed     namespace Worker unallocated
--          unattributed_storage    Storage unattributed        unattributed_network   Network unattributed
--          Receivers: not of the category Platform and none of the three other namespaces; of worker cost only pod rows
-- Unit     currency of the cost model, and of the cloud bill in raw cost; all NUMERIC
-- Domain   §8.7; traps 41, 47
-- Reads    daily summary: rows that have a namespace, with the cost rows and markup of the days
-- Grain    distribution × day × namespace × node × category × data source; only what is not 0
-- Rerun    repeatable definition

create or replace function ocp_distribution_lines(p_source_uuid uuid, p_days date[])
returns table (
    usage_start date,
    data_source text,
    namespace text,
    node text,
    resource_id text,
    cost_category_id integer,
    node_capacity_cpu_cores numeric,
    node_capacity_cpu_core_hours numeric,
    node_capacity_memory_gigabytes numeric,
    node_capacity_memory_gigabyte_hours numeric,
    cluster_capacity_cpu_core_hours numeric,
    cluster_capacity_memory_gigabyte_hours numeric,
    raw_currency text,
    cost_model_rate_type text,
    distributed_cost numeric
)
language sql stable rows 10000
set search_path from current
set enable_mergejoin = off
set enable_nestloop = off
set jit = off
as $$
    with setting as materialized (
        select
            is_by_memory,
            distributes_platform,
            distributes_worker,
            distributes_storage,
            distributes_network
        from ocp_cost_settings(p_source_uuid)
    ),
    group_days as materialized (
        select
            usage_start,
            data_source,
            namespace,
            node,
            cost_category_id,
            max(resource_id collate "C") as resource_id,
            max(node_capacity_cpu_cores) as cores,
            max(node_capacity_cpu_core_hours) as node_cpu,
            max(node_capacity_memory_gigabytes) as memory,
            max(node_capacity_memory_gigabyte_hours) as node_memory,
            max(cluster_capacity_cpu_core_hours) as cluster_cpu,
            max(cluster_capacity_memory_gigabyte_hours) as cluster_memory,
            max(raw_currency collate "C") as raw_currency,
            sum(
                coalesce(infrastructure_raw_cost, 0)
                + coalesce(infrastructure_markup_cost, 0)
                + coalesce(cost_model_cpu_cost, 0)
                + coalesce(cost_model_memory_cost, 0)
                + coalesce(cost_model_volume_cost, 0)
            ) as cost,
            coalesce(sum(pod_effective_usage_cpu_core_hours) filter (where cost_model_rate_type is null), 0) as effective_cpu,
            coalesce(sum(pod_effective_usage_memory_gigabyte_hours) filter (where cost_model_rate_type is null), 0)
                as effective_memory
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and (cost_model_rate_type is null or cost_model_rate_type in ('Infrastructure', 'Supplementary'))
            and namespace is not null
            -- Without any cost, the usual case of a source without a cost model, all pools are 0.
            and exists (
                select
                from reporting_ocpusagelineitem_daily_summary
                where source_uuid = p_source_uuid
                    and usage_start = any(p_days)
                    and (
                        infrastructure_raw_cost <> 0
                        or infrastructure_markup_cost <> 0
                        or cost_model_cpu_cost <> 0
                        or cost_model_memory_cost <> 0
                        or cost_model_volume_cost <> 0
                    )
            )
        group by usage_start, data_source, namespace, node, cost_category_id
    ),
    sorted_days as (
        select
            group_days.*,
            case when setting.is_by_memory then effective_memory else effective_cpu end as weight,
            coalesce(
                cost_category_id = (select max(category.id) from reporting_ocp_cost_category as category where category.name = 'Platform'),
                false
            ) as is_platform,
            namespace in (ocp_worker_unallocated(), ocp_storage_unattributed(), ocp_network_unattributed()) as is_pool
        from group_days
        cross join setting
    ),
    roles as materialized (
        select
            kind.rate_type,
            day.*,
            case
                when kind.namespace is null then day.is_platform
                else day.namespace = kind.namespace
            end as is_source,
            not day.is_platform
            and not day.is_pool
            and (kind.rate_type <> 'worker_distributed' or day.data_source = 'Pod') as is_receiver
        from sorted_days as day
        cross join (
            select
                listed.rate_type,
                listed.namespace
            from setting
            cross join lateral (
                values
                    ('platform_distributed', null, distributes_platform),
                    ('worker_distributed', ocp_worker_unallocated(), distributes_worker),
                    ('unattributed_storage', ocp_storage_unattributed(), distributes_storage),
                    ('unattributed_network', ocp_network_unattributed(), distributes_network)
            ) as listed (rate_type, namespace, is_on)
            where listed.is_on
        ) as kind
    ),
    pool_days as (
        select
            rate_type,
            usage_start,
            sum(cost) filter (where is_source) as pool,
            sum(weight) filter (where is_receiver) as weight
        from roles
        group by rate_type, usage_start
    ),
    shares as (
        select
            role.*,
            round(
                case
                    when role.is_source then -role.cost
                    else role.weight * pool_day.pool / pool_day.weight
                end,
                15
            ) as distributed_cost
        from roles as role
        join pool_days as pool_day
            on pool_day.rate_type = role.rate_type
            and pool_day.usage_start = role.usage_start
        where pool_day.weight > 0
            and pool_day.pool is not null
            and (role.is_source or role.is_receiver)
    )
    select
        usage_start,
        data_source,
        namespace,
        node,
        resource_id,
        cost_category_id,
        cores,
        node_cpu,
        memory,
        node_memory,
        cluster_cpu,
        cluster_memory,
        case when rate_type in ('unattributed_storage', 'unattributed_network') then raw_currency end,
        rate_type,
        distributed_cost
    from shares
    where distributed_cost <> 0
$$;
comment on function ocp_distribution_lines(uuid, date[]) is
'What projects get of shared costs, and what the shared pools give, for days of one month; per distribution and day the sum is 0.';
