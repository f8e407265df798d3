-- functions/052_unallocated_rows.sql
-- Purpose  rows of the daily summary for node capacity that no pod took
-- Reads    the pod rows just written; ocp_pod_day; ocp_day_nodes (temporary)
-- Writes   reporting_ocpusagelineitem_daily_summary   grain: day × node, capacity minus what the pod rows took
-- Why      the role of a node comes from the day's own line items, not from reporting_ocp_nodes, which changes
--          with other days: else a rebuild would move the capacity between Platform and Worker
-- Rerun    the caller deletes the range's usage rows first; same input gives same rows

create or replace function ocp_insert_unallocated_rows(p_start_date date, p_end_date date, p_source_uuid uuid)
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
    v_rows bigint;
begin
    with node_days as (
        select
            report_period_id,
            cluster_id,
            cluster_alias,
            usage_start,
            node,
            max(resource_id collate "C") as resource_id,
            sum(pod_usage_cpu_core_hours) as usage_cpu,
            sum(pod_request_cpu_core_hours) as request_cpu,
            sum(pod_effective_usage_cpu_core_hours) as effective_cpu,
            sum(pod_usage_memory_gigabyte_hours) as usage_memory,
            sum(pod_request_memory_gigabyte_hours) as request_memory,
            sum(pod_effective_usage_memory_gigabyte_hours) as effective_memory,
            max(node_capacity_cpu_cores) as cores,
            max(node_capacity_cpu_core_hours) as node_cpu,
            max(node_capacity_memory_gigabytes) as memory,
            max(node_capacity_memory_gigabyte_hours) as node_memory,
            max(cluster_capacity_cpu_core_hours) as cluster_cpu,
            max(cluster_capacity_memory_gigabyte_hours) as cluster_memory
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start between p_start_date and p_end_date
            and data_source = 'Pod'
            and ocp_is_usage_row(cost_model_rate_type, infrastructure_raw_cost)
            and node is not null
            and ocp_is_real_namespace(namespace)
        group by report_period_id, cluster_id, cluster_alias, usage_start, node
    ),
    pod_roles as (
        select
            usage_day,
            node,
            max(node_role collate "C") as sent_role,
            bool_or(is_control_plane) as is_control_plane,
            bool_or(namespace = 'openshift-kube-apiserver') as runs_api_server
        from ocp_pod_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
            and node <> ''
        group by usage_day, node
    ),
    named as (
        select
            node_days.*,
            ocp_unallocated_namespace(
                ocp_node_role(pod_roles.sent_role, pod_roles.is_control_plane, pod_roles.runs_api_server, label_nodes.is_infra)
            ) as namespace
        from node_days
        left join pod_roles
            on pod_roles.usage_day = node_days.usage_start
            and pod_roles.node = node_days.node
        left join ocp_day_nodes as label_nodes
            on label_nodes.usage_day = node_days.usage_start
            and label_nodes.node = node_days.node
    )
    insert into reporting_ocpusagelineitem_daily_summary (
        uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end,
        namespace, node, resource_id, all_labels,
        pod_usage_cpu_core_hours, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours,
        pod_usage_memory_gigabyte_hours, pod_request_memory_gigabyte_hours, pod_effective_usage_memory_gigabyte_hours,
        node_capacity_cpu_cores, node_capacity_cpu_core_hours,
        node_capacity_memory_gigabytes, node_capacity_memory_gigabyte_hours,
        cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
        cost_category_id, source_uuid
    )
    select
        gen_random_uuid(),
        named.report_period_id,
        named.cluster_id,
        named.cluster_alias,
        'Pod',
        named.usage_start,
        named.usage_start,
        named.namespace,
        named.node,
        named.resource_id,
        '{}',
        named.node_cpu - named.usage_cpu,
        named.node_cpu - named.request_cpu,
        named.node_cpu - named.effective_cpu,
        named.node_memory - named.usage_memory,
        named.node_memory - named.request_memory,
        named.node_memory - named.effective_memory,
        named.cores,
        named.node_cpu,
        named.memory,
        named.node_memory,
        named.cluster_cpu,
        named.cluster_memory,
        ocp_cost_category_id(named.namespace),
        p_source_uuid
    from named;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_unallocated_rows(date, date, uuid) is
'Step of ocp_summarise_days: node capacity that no pod took; may be negative, so that effective usage always adds up to capacity.';
