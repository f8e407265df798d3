-- functions/050_pod_rows.sql
-- Purpose  usage rows of pods in the daily summary, for a range of days of one source and month
-- Reads    ocp_pod_day, ocp_capacity_day; ocp_day_label_sets, ocp_day_label_maps (temporary)
-- Writes   reporting_ocpusagelineitem_daily_summary   grain: day × namespace × node × merged enabled labels
-- Units    core-seconds / 3600 = core-hours; byte-seconds / 3600 / 2^30 = GiB-hours; "gigabyte" is 2^30 bytes
-- Plans    temporary tables have no statistics: all joins and groups use hashing
-- Rerun    the caller deletes the range's usage rows first; same input gives same rows

create or replace function ocp_insert_pod_rows(
    p_start_date date, p_end_date date, p_report_period_id integer, p_cluster_id text, p_cluster_alias text, p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_mergejoin = off
set enable_nestloop = off
set enable_sort = off
set jit = off
as $$
declare
    v_rules text := ocp_rules();
    v_uuid_prefix text := ocp_uuid_prefix();
    v_rows bigint;
begin
    -- Capacities are made numeric here, once per node, not on each of its rows.
    with node_days as materialized (
        select
            usage_day,
            node,
            (capacity_cpu / 3600)::numeric(33, 15) as cpu_core_hours,
            (capacity_memory / 3600 / 2 ^ 30)::numeric(33, 15) as memory_gigabyte_hours
        from ocp_capacity_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
    ),
    cluster_days as materialized (
        select
            usage_day,
            sum(capacity_cpu / 3600)::numeric(33, 15) as cpu_core_hours,
            sum(capacity_memory / 3600 / 2 ^ 30)::numeric(33, 15) as memory_gigabyte_hours
        from ocp_capacity_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        group by usage_day
    ),
    -- First by label set, an integer: label maps are merged once per set and day, not once per pod.
    set_days as (
        select
            usage_day,
            namespace,
            node,
            label_set_id,
            max(resource_id collate "C") as resource_id,
            sum(usage_cpu) as usage_cpu,
            sum(request_cpu) as request_cpu,
            sum(case v_rules when 'koku' then effective_cpu_koku else effective_cpu_design end) as effective_cpu,
            sum(limit_cpu) as limit_cpu,
            sum(usage_memory) as usage_memory,
            sum(request_memory) as request_memory,
            sum(case v_rules when 'koku' then effective_memory_koku else effective_memory_design end) as effective_memory,
            sum(limit_memory) as limit_memory,
            max(capacity_cores) as capacity_cores,
            max(capacity_memory_bytes) as capacity_memory_bytes
        from ocp_pod_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
            -- A pod without a node is not scheduled: it stays out of the summary.
            and node <> ''
        group by usage_day, namespace, node, label_set_id
    ),
    categories as (
        select
            namespace,
            ocp_cost_category_id(namespace) as cost_category_id
        from (
            select distinct namespace
            from ocp_pod_day
            where source_uuid = p_source_uuid
                and usage_day between p_start_date and p_end_date
        ) as pod_namespace
    ),
    merged as (
        select
            set_days.*,
            ocp_merge_labels(v_rules, label_set.labels, node_map.labels, namespace_map.labels) as labels
        from set_days
        join ocp_day_label_sets as label_set using (label_set_id)
        left join ocp_day_label_maps as node_map
            on node_map.report_kind = 'node_labels'
            and node_map.usage_day = set_days.usage_day
            and node_map.name = set_days.node
        left join ocp_day_label_maps as namespace_map
            on namespace_map.report_kind = 'namespace_labels'
            and namespace_map.usage_day = set_days.usage_day
            and namespace_map.name = set_days.namespace
    )
    insert into reporting_ocpusagelineitem_daily_summary (
        uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end,
        namespace, node, resource_id, pod_labels, all_labels,
        pod_usage_cpu_core_hours, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours, pod_limit_cpu_core_hours,
        pod_usage_memory_gigabyte_hours, pod_request_memory_gigabyte_hours,
        pod_effective_usage_memory_gigabyte_hours, pod_limit_memory_gigabyte_hours,
        node_capacity_cpu_cores, node_capacity_cpu_core_hours,
        node_capacity_memory_gigabytes, node_capacity_memory_gigabyte_hours,
        cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
        infrastructure_usage_cost, cost_category_id, source_uuid
    )
    select
        ocp_row_uuid(v_uuid_prefix, row_number() over ()),
        p_report_period_id,
        p_cluster_id,
        p_cluster_alias,
        'Pod',
        merged.usage_day,
        merged.usage_day,
        merged.namespace,
        merged.node,
        max(merged.resource_id collate "C"),
        merged.labels,
        merged.labels,
        sum(merged.usage_cpu) / 3600,
        sum(merged.request_cpu) / 3600,
        sum(merged.effective_cpu) / 3600,
        sum(merged.limit_cpu) / 3600,
        sum(merged.usage_memory) / 3600 / 2 ^ 30,
        sum(merged.request_memory) / 3600 / 2 ^ 30,
        sum(merged.effective_memory) / 3600 / 2 ^ 30,
        sum(merged.limit_memory) / 3600 / 2 ^ 30,
        max(merged.capacity_cores),
        max(node_days.cpu_core_hours),
        max(merged.capacity_memory_bytes) / 2 ^ 30,
        max(node_days.memory_gigabyte_hours),
        max(cluster_days.cpu_core_hours),
        max(cluster_days.memory_gigabyte_hours),
        '{"cpu": 0.000000000, "memory": 0.000000000, "storage": 0.000000000}',
        max(categories.cost_category_id),
        p_source_uuid
    from merged
    join node_days
        on node_days.usage_day = merged.usage_day
        and node_days.node = merged.node
    join cluster_days
        on cluster_days.usage_day = merged.usage_day
    left join categories
        on categories.namespace = merged.namespace
    group by merged.usage_day, merged.namespace, merged.node, merged.labels;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_pod_rows(date, date, integer, text, text, uuid) is
'Step of ocp_summarise_days: pod usage and node and cluster capacity.';
