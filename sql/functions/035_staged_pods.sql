-- functions/035_staged_pods.sql
-- Purpose  the pod rows of a range of days, read once per grain, for all later steps of the transaction
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging   grain: pod × hour; core-seconds, byte-seconds
-- Writes   ocp_staged_pods (temporary)        grain: day × namespace × node × pod × resource × label set
--          ocp_staged_node_days (temporary)   grain: day × node; core-hours, GiB-hours
-- Setting  ocp.rules = design | koku, set for the transaction by the caller
-- Plans    Staging gives the planner no hint about the number of groups, so sorting a million rows looks cheap: sorts
--          are disabled, groups are hashed, and what exceeds work_mem (twice it, by hash_mem_multiplier) is spilled to
--          disk. One process computes the sums in the order of the rows on disk: floating-point sums of several workers
--          would differ in the last digit from run to run, and so would a rebuilt invoice. Maxima do not differ: they
--          may be parallel.
-- Rerun    replaces both tables, which end with the transaction

create or replace function ocp_gather_pods(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 0
set synchronize_seqscans = off
set work_mem = '64MB'
as $$
declare
    v_rules text := ocp_rules();
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    -- UTC as an offset: a zone's name would be looked up for every row.
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('pod_usage', p_source_uuid, p_start_date, p_end_date);
begin
    drop table if exists pg_temp.ocp_staged_pods;
    -- Rows without a node are gathered too: their namespaces are projects.
    create temporary table ocp_staged_pods on commit drop as
    select
        (line.interval_start at time zone v_utc)::date as usage_day,
        line.namespace,
        line.node,
        line.pod,
        line.resource_id,
        line.label_set_id,
        coalesce(sum(line.pod_usage_cpu_core_seconds), 0) as usage_cpu,
        coalesce(sum(line.pod_request_cpu_core_seconds), 0) as request_cpu,
        sum(ocp_effective_usage(line.pod_usage_cpu_core_seconds, line.pod_request_cpu_core_seconds, v_rules)) as effective_cpu,
        coalesce(sum(line.pod_limit_cpu_core_seconds), 0) as limit_cpu,
        coalesce(sum(line.pod_usage_memory_byte_seconds), 0) as usage_memory,
        coalesce(sum(line.pod_request_memory_byte_seconds), 0) as request_memory,
        sum(
            ocp_effective_usage(line.pod_usage_memory_byte_seconds, line.pod_request_memory_byte_seconds, v_rules)
        ) as effective_memory,
        coalesce(sum(line.pod_limit_memory_byte_seconds), 0) as limit_memory,
        max(coalesce(line.node_capacity_cpu_cores, 0)) as capacity_cores,
        max(coalesce(line.node_capacity_memory_bytes, 0)) as capacity_memory_bytes,
        max(nullif(line.node_role, '') collate "C") collate "default" as node_role,
        bool_or(line.node_role = 'control-plane') as is_control_plane
    from reporting_ocpusagelineitem_pod_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3, 4, 5, 6;
end
$$;
comment on function ocp_gather_pods(date, date, uuid) is
'Step of populate_daily_summary_from_staging: sums of each pod and day, into the temporary table ocp_staged_pods.';

create or replace function ocp_gather_node_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set jit = off
set work_mem = '64MB'
as $$
begin
    perform ocp_gather_node_hours(p_start_date, p_end_date, p_source_uuid);

    drop table if exists pg_temp.ocp_staged_node_days;
    -- Capacity repeats on every pod of the node: the maximum of each hour, summed over the hours.
    create temporary table ocp_staged_node_days on commit drop as
    select
        (node_hours.interval_start at time zone 'UTC')::date as usage_day,
        node_hours.node,
        sum(node_hours.cpu_core_seconds order by node_hours.interval_start) / 3600 as cpu_core_hours,
        sum(node_hours.memory_byte_seconds order by node_hours.interval_start) / 3600 / 2 ^ 30 as memory_gigabyte_hours
    from ocp_read_node_hours as node_hours
    group by 1, 2;
end
$$;
comment on function ocp_gather_node_days(date, date, uuid) is
'Step of populate_daily_summary_from_staging: capacity of each node and day, into the temporary table ocp_staged_node_days.';
