-- functions/035_pod_days.sql
-- Purpose  relation ocp_pod_day: the pod rows of a range of days, added up
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging   grain: pod × hour; core-seconds, byte-seconds
-- Writes   ocp_pod_day   grain: day × namespace × node × pod × resource × label set
-- Plans    Staging tells the planner nothing about the number of groups, so sorting a million rows looks cheap to it:
--          sorts are off, groups are hashed, and what exceeds work_mem (twice it, by hash_mem_multiplier) is spilled.
--          The sums are made by one process in the order of the rows on disk: floating-point sums of several workers
--          would differ in the last digit from run to run, and a rebuilt invoice with them. Maxima do not: they may
--          be parallel.
-- Rerun    replaces the days

drop function if exists ocp_gather_pods(date, date, uuid);
drop function if exists ocp_gather_node_days(date, date, uuid);
drop function if exists ocp_gather_checked_pods(uuid, date, text);

create or replace function ocp_rebuild_pod_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 0
set synchronize_seqscans = off
set work_mem = '64MB'
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    -- UTC as an offset: a zone's name would be looked up for every row.
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('pod_usage', p_source_uuid, p_start_date, p_end_date);
begin
    delete from ocp_pod_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    -- Rows without a node are kept too: their namespaces are projects.
    insert into ocp_pod_day (
        usage_day, namespace, node, pod, resource_id, label_set_id, source_uuid, row_count,
        usage_cpu, request_cpu, limit_cpu, effective_cpu_design, effective_cpu_koku,
        usage_memory, request_memory, limit_memory, effective_memory_design, effective_memory_koku,
        capacity_cores, capacity_memory_bytes, node_role, is_control_plane
    )
    select
        (line.interval_start at time zone v_utc)::date,
        line.namespace,
        line.node,
        line.pod,
        line.resource_id,
        line.label_set_id,
        p_source_uuid,
        count(*),
        coalesce(sum(line.pod_usage_cpu_core_seconds), 0),
        coalesce(sum(line.pod_request_cpu_core_seconds), 0),
        coalesce(sum(line.pod_limit_cpu_core_seconds), 0),
        sum(ocp_effective_usage(line.pod_usage_cpu_core_seconds, line.pod_request_cpu_core_seconds, 'design')),
        sum(ocp_effective_usage(line.pod_usage_cpu_core_seconds, line.pod_request_cpu_core_seconds, 'koku')),
        coalesce(sum(line.pod_usage_memory_byte_seconds), 0),
        coalesce(sum(line.pod_request_memory_byte_seconds), 0),
        coalesce(sum(line.pod_limit_memory_byte_seconds), 0),
        sum(ocp_effective_usage(line.pod_usage_memory_byte_seconds, line.pod_request_memory_byte_seconds, 'design')),
        sum(ocp_effective_usage(line.pod_usage_memory_byte_seconds, line.pod_request_memory_byte_seconds, 'koku')),
        max(coalesce(line.node_capacity_cpu_cores, 0)),
        max(coalesce(line.node_capacity_memory_bytes, 0)),
        max(nullif(line.node_role, '') collate "C") collate "default",
        bool_or(line.node_role = 'control-plane')
    from reporting_ocpusagelineitem_pod_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3, 4, 5, 6;
end
$$;
comment on function ocp_rebuild_pod_days(date, date, uuid) is
'Step of ocp_rebuild_relations: sums of each pod and day, effective usage under both rules.';
