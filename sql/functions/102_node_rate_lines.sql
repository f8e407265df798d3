-- functions/102_node_rate_lines.sql
-- Purpose  monthly prices of the cluster, of nodes and of their cores, shared out by effective usage
-- Formula  D = days of the month; E = effective core-hours, or GiB-hours where costs are distributed by memory
--          cluster_cost_per_month     E / capacity of the cluster / D · price
--          node_cost_per_month        E / capacity of the node / D · price
--          node_core_cost_per_month   E / capacity of the node · cores / D · price
--          → cpu or memory, as costs are distributed
-- Unit     months of the cluster, of a node, of a core
-- Domain   §8.3
-- Reads    daily summary: pod rows without rate type that have a namespace and a capacity, those of unallocated too
-- Grain    day × node × namespace × labels × category × rate; also where the cost is 0
-- Rerun    repeatable definition

create or replace function ocp_node_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 100000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with setting as materialized (
        select
            is_by_memory,
            ocp_days_of_month(p_days[1]) as days
        from ocp_cost_settings(p_source_uuid)
    ),
    price as materialized (
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            unit_price
        from ocp_monthly_prices(
            p_source_uuid, p_days[1], array['cluster_cost_per_month', 'node_cost_per_month', 'node_core_cost_per_month']
        )
    ),
    key_days as materialized (
        select
            usage_start,
            namespace,
            node,
            pod_labels,
            cost_category_id,
            max(resource_id collate "C") as resource_id,
            max(node_capacity_cpu_cores) as cores,
            max(node_capacity_cpu_core_hours) as node_cpu,
            max(node_capacity_memory_gigabytes) as memory,
            max(node_capacity_memory_gigabyte_hours) as node_memory,
            max(cluster_capacity_cpu_core_hours) as cluster_cpu,
            max(cluster_capacity_memory_gigabyte_hours) as cluster_memory,
            sum(pod_effective_usage_cpu_core_hours) as effective_cpu,
            sum(pod_effective_usage_memory_gigabyte_hours) as effective_memory
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and data_source = 'Pod'
            and cost_model_rate_type is null
            and monthly_cost_type is null
            and namespace is not null
            and node_capacity_cpu_core_hours <> 0
            and cluster_capacity_cpu_core_hours <> 0
            and exists (select from price)
        group by usage_start, namespace, node, pod_labels, cost_category_id
    ),
    share_days as (
        select
            key_days.*,
            setting.days,
            case when setting.is_by_memory then 'memory' else 'cpu' end as cost_column,
            case when setting.is_by_memory then effective_memory else effective_cpu end as effective,
            nullif(case when setting.is_by_memory then node_memory else node_cpu end, 0) as node_capacity,
            nullif(case when setting.is_by_memory then cluster_memory else cluster_cpu end, 0) as cluster_capacity
        from key_days
        cross join setting
    )
    select
        day.usage_start,
        'Pod',
        day.namespace,
        day.node,
        day.resource_id,
        null::text,
        null::text,
        null::text,
        day.pod_labels,
        null::jsonb,
        day.pod_labels,
        day.cost_category_id,
        day.cores,
        day.node_cpu,
        day.memory,
        day.node_memory,
        day.cluster_cpu,
        day.cluster_memory,
        price.cost_type,
        term.monthly_cost_type,
        null::text,
        price.price_list_id,
        price.rate_id,
        price.metric,
        day.cost_column,
        coalesce(day.effective * term.objects / (term.capacity * day.days), 0),
        price.unit_price,
        coalesce(day.effective * term.objects * price.unit_price / (term.capacity * day.days), 0)
    from share_days as day
    cross join price
    cross join lateral (
        values
            ('cluster_cost_per_month', 'Cluster', 1, day.cluster_capacity),
            ('node_cost_per_month', 'Node', 1, day.node_capacity),
            ('node_core_cost_per_month', 'Node_Core_Month', day.cores, day.node_capacity)
    ) as term (metric, monthly_cost_type, objects, capacity)
    where term.metric = price.metric
$$;
comment on function ocp_node_rate_lines(uuid, date[]) is
'Lines of the monthly rates for cluster, nodes and cores, for days of one month; a day''s part of each price is shared out wholly.';
