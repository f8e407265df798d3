-- functions/101_usage_rate_lines.sql
-- Purpose  cost of usage: prices per core-hour, GiB-hour and GiB-month, and hourly prices of nodes' cores and of the
--          cluster
-- Formula  cpu_core_{usage,request,effective_usage}_per_hour    core-hours · price        → cpu
--          memory_gb_{usage,request,effective_usage}_per_hour   GiB-hours · price         → memory
--          storage_gb_{usage,request}_per_month                 GiB-months · price        → volume
--          {node,cluster}_core_cost_per_hour   effective core-hours · price → cpu. Distributed by memory: the node's
--              core-hours in the proportion of effective GiB-hours to the node's GiB-hours
--          cluster_cost_per_hour   share of the node's effective usage · share of the node in the cluster · hours of
--              the node · price → cpu or memory, as costs are distributed
-- Domain   §8.2
-- Reads    daily summary: rows without rate type that have a namespace
-- Grain    day × node × namespace × data source × claim × labels × category × rate; also where the cost is 0, but pods
--          have lines of storage rates, and volumes of the others, only where their type of cost has no other
-- Rerun    repeatable definition

create or replace function ocp_usage_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 100000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with setting as materialized (
        select is_by_memory
        from ocp_cost_settings(p_source_uuid)
    ),
    price as materialized (
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            unit_price,
            case when metric like 'storage%' then 'Pod' else 'Storage' end as other_source,
            count(*) filter (where metric like 'storage%') over types in (0, count(*) over types) as is_alone
        from ocp_plain_prices(
            p_source_uuid,
            p_days[1],
            array[
                'cpu_core_usage_per_hour', 'cpu_core_request_per_hour', 'cpu_core_effective_usage_per_hour',
                'memory_gb_usage_per_hour', 'memory_gb_request_per_hour', 'memory_gb_effective_usage_per_hour',
                'storage_gb_usage_per_month', 'storage_gb_request_per_month',
                'node_core_cost_per_hour', 'cluster_core_cost_per_hour', 'cluster_cost_per_hour'
            ]
        )
        window types as (partition by cost_type)
    ),
    key_days as materialized (
        select
            usage_start,
            data_source,
            namespace,
            node,
            persistentvolumeclaim,
            pod_labels,
            volume_labels,
            all_labels,
            cost_category_id,
            max(resource_id collate "C") as resource_id,
            max(persistentvolume collate "C") as persistentvolume,
            max(storageclass collate "C") as storageclass,
            max(node_capacity_cpu_cores) as cores,
            max(node_capacity_cpu_core_hours) as node_cpu,
            max(node_capacity_memory_gigabytes) as memory,
            max(node_capacity_memory_gigabyte_hours) as node_memory,
            max(cluster_capacity_cpu_core_hours) as cluster_cpu,
            max(cluster_capacity_memory_gigabyte_hours) as cluster_memory,
            coalesce(sum(pod_usage_cpu_core_hours), 0) as usage_cpu,
            coalesce(sum(pod_request_cpu_core_hours), 0) as request_cpu,
            coalesce(sum(pod_effective_usage_cpu_core_hours), 0) as effective_cpu,
            coalesce(sum(pod_usage_memory_gigabyte_hours), 0) as usage_memory,
            coalesce(sum(pod_request_memory_gigabyte_hours), 0) as request_memory,
            coalesce(sum(pod_effective_usage_memory_gigabyte_hours), 0) as effective_memory,
            coalesce(sum(persistentvolumeclaim_usage_gigabyte_months), 0) as usage_storage,
            coalesce(sum(volume_request_storage_gigabyte_months), 0) as request_storage
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and cost_model_rate_type is null
            and namespace is not null
            and exists (select from price)
        group by
            usage_start, data_source, namespace, node, persistentvolumeclaim, pod_labels, volume_labels, all_labels,
            cost_category_id
    ),
    -- With the unallocated rows, so that a cluster's price is shared out wholly.
    shared_days as (
        select
            key_days.*,
            nullif(sum(effective_cpu) over node_day, 0) as all_effective_cpu,
            nullif(sum(effective_memory) over node_day, 0) as all_effective_memory
        from key_days
        window node_day as (partition by usage_start, node)
    ),
    quantity_days as materialized (
        select
            shared_days.*,
            setting.is_by_memory,
            case
                when setting.is_by_memory then effective_memory * node_cpu / nullif(node_memory, 0)
                else effective_cpu
            end as shared_core_hours,
            case
                when setting.is_by_memory
                then effective_memory * node_memory * node_memory
                    / (all_effective_memory * nullif(cluster_memory, 0) * nullif(memory, 0))
                else effective_cpu * node_cpu * node_cpu / (all_effective_cpu * nullif(cluster_cpu, 0) * nullif(cores, 0))
            end as cluster_hours
        from shared_days
        cross join setting
    )
    select
        day.usage_start,
        day.data_source,
        day.namespace,
        day.node,
        day.resource_id,
        day.persistentvolumeclaim,
        day.persistentvolume,
        day.storageclass,
        day.pod_labels,
        day.volume_labels,
        day.all_labels,
        day.cost_category_id,
        day.cores,
        day.node_cpu,
        day.memory,
        day.node_memory,
        day.cluster_cpu,
        day.cluster_memory,
        price.cost_type,
        null::text,
        null::text,
        price.price_list_id,
        price.rate_id,
        price.metric,
        term.cost_column,
        coalesce(term.quantity, 0),
        price.unit_price,
        coalesce(term.quantity, 0) * price.unit_price
    from quantity_days as day
    cross join price
    cross join lateral (
        values
            ('cpu_core_usage_per_hour', 'cpu', day.usage_cpu),
            ('cpu_core_request_per_hour', 'cpu', day.request_cpu),
            ('cpu_core_effective_usage_per_hour', 'cpu', day.effective_cpu),
            ('memory_gb_usage_per_hour', 'memory', day.usage_memory),
            ('memory_gb_request_per_hour', 'memory', day.request_memory),
            ('memory_gb_effective_usage_per_hour', 'memory', day.effective_memory),
            ('storage_gb_usage_per_month', 'volume', day.usage_storage),
            ('storage_gb_request_per_month', 'volume', day.request_storage),
            ('node_core_cost_per_hour', 'cpu', day.shared_core_hours),
            ('cluster_core_cost_per_hour', 'cpu', day.shared_core_hours),
            ('cluster_cost_per_hour', case when day.is_by_memory then 'memory' else 'cpu' end, day.cluster_hours)
    ) as term (metric, cost_column, quantity)
    where term.metric = price.metric
        -- A row of a kind that the price is not for has lines of 0 only where its type of cost has no other.
        and (day.data_source is distinct from price.other_source or price.is_alone)
$$;
comment on function ocp_usage_rate_lines(uuid, date[]) is
'Lines of the rates for usage, for days of one month; sums to the full hourly price of the cluster over real and unallocated rows.';
