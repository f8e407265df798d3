-- functions/106_node_tag_rate_lines.sql
-- Purpose  prices of nodes and of their cores by the value of a label of pods
-- Formula  D = days of the month; E = effective core-hours, or GiB-hours where costs are distributed by memory
--          node_cost_per_month        E / capacity of the node / D · price
--          node_core_cost_per_month   E / capacity of the node · cores / D · price → cpu or memory, as costs are
--              distributed
--          node_core_cost_per_hour    effective core-hours · price → cpu
--          Per node and value one more row, in the unallocated namespace of the node: the same of (capacity − Σ E of
--          the
--              value). A value that is not listed has the default, or 0; all rows keep only this label
-- Unit     months of a node, of a core; core-hours
-- Domain   §8.5; traps 36, 37, 38
-- Reads    daily summary: pod rows without rate type that have a namespace and a capacity
-- Grain    day × node × namespace × labels × category × rate
-- Rerun    repeatable definition

create or replace function ocp_node_tag_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 10000
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
    listed_price as materialized (
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            tag_key,
            tag_value,
            listed_values,
            unit_price
        from ocp_tag_prices(
            p_source_uuid, p_days[1], array['node_cost_per_month', 'node_core_cost_per_month', 'node_core_cost_per_hour']
        )
    ),
    -- A rate without a default still makes rows for the values that it does not list, of cost 0.
    price as materialized (
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            tag_key,
            tag_value,
            listed_values,
            unit_price
        from listed_price
        union all
        select distinct
            price_list_id,
            rate_id,
            metric,
            cost_type,
            tag_key,
            null,
            listed_values,
            0::numeric
        from listed_price
        where not exists (
            select
            from listed_price as other
            where other.rate_id = listed_price.rate_id
                and other.tag_value is null
        )
    ),
    key_days as materialized (
        select
            usage_start,
            namespace,
            node,
            pod_labels,
            cost_category_id,
            ocp_is_unallocated(namespace) as is_unallocated,
            max(resource_id collate "C") as resource_id,
            max(node_capacity_cpu_cores) as cores,
            max(node_capacity_cpu_core_hours) as node_cpu,
            max(node_capacity_memory_gigabytes) as memory,
            max(node_capacity_memory_gigabyte_hours) as node_memory,
            max(cluster_capacity_cpu_core_hours) as cluster_cpu,
            max(cluster_capacity_memory_gigabyte_hours) as cluster_memory,
            coalesce(sum(pod_effective_usage_cpu_core_hours), 0) as effective_cpu,
            coalesce(sum(pod_effective_usage_memory_gigabyte_hours), 0) as effective_memory
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
    pod_rows as materialized (
        select
            key.tag_key,
            day.pod_labels ->> key.tag_key as tag_value,
            day.*
        from key_days as day
        join (select distinct tag_key from price) as key on day.pod_labels ? key.tag_key
    ),
    value_days as (
        select
            tag_key,
            tag_value,
            usage_start,
            node,
            sum(effective_cpu) as effective_cpu,
            sum(effective_memory) as effective_memory
        from pod_rows
        group by tag_key, tag_value, usage_start, node
    ),
    node_rows as (
        select
            tag_key,
            tag_value,
            pod_labels::text as row_key,
            false as is_unallocated,
            usage_start,
            namespace,
            node,
            cost_category_id,
            resource_id,
            cores,
            node_cpu,
            memory,
            node_memory,
            cluster_cpu,
            cluster_memory,
            effective_cpu,
            effective_memory
        from pod_rows
        union all
        select
            of_value.tag_key,
            of_value.tag_value,
            null,
            true,
            rest.usage_start,
            rest.namespace,
            rest.node,
            rest.cost_category_id,
            rest.resource_id,
            rest.cores,
            rest.node_cpu,
            rest.memory,
            rest.node_memory,
            rest.cluster_cpu,
            rest.cluster_memory,
            rest.node_cpu - of_value.effective_cpu,
            rest.node_memory - of_value.effective_memory
        from value_days as of_value
        join key_days as rest
            on rest.usage_start = of_value.usage_start
            and rest.node = of_value.node
            and rest.is_unallocated
    ),
    share_days as (
        select
            node_rows.*,
            setting.days,
            case when setting.is_by_memory then 'memory' else 'cpu' end as cost_column,
            case when setting.is_by_memory then effective_memory else effective_cpu end as effective,
            nullif(case when setting.is_by_memory then node_memory else node_cpu end, 0) as node_capacity
        from node_rows
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
        jsonb_build_object(day.tag_key, day.tag_value),
        null::jsonb,
        case when day.is_unallocated then jsonb_build_object(day.tag_key, day.tag_value) end,
        day.cost_category_id,
        day.cores,
        day.node_cpu,
        day.memory,
        day.node_memory,
        day.cluster_cpu,
        day.cluster_memory,
        price.cost_type,
        term.monthly_cost_type,
        day.row_key,
        price.price_list_id,
        price.rate_id,
        price.metric,
        term.cost_column,
        coalesce(term.amount / term.parts, 0),
        price.unit_price,
        coalesce(term.amount * price.unit_price / term.parts, 0)
    from share_days as day
    join price
        on price.tag_key = day.tag_key
        and case
            when price.tag_value is not null then price.tag_value = day.tag_value
            else day.tag_value <> all(price.listed_values)
        end
    cross join lateral (
        values
            ('node_cost_per_month', 'Node', day.cost_column, day.effective, day.node_capacity * day.days),
            ('node_core_cost_per_month', 'Node_Core_Month', day.cost_column, day.effective * day.cores, day.node_capacity * day.days),
            ('node_core_cost_per_hour', 'Node_Core_Hour', 'cpu', day.effective_cpu, 1)
    ) as term (metric, monthly_cost_type, cost_column, amount, parts)
    where term.metric = price.metric
$$;
comment on function ocp_node_tag_rate_lines(uuid, date[]) is
'Lines of the rates for nodes and cores that depend on a label, for days of one month, with those of what no pod took.';
