-- functions/035_pod_days.sql
-- Purpose  relation ocp_pod_day: the pod rows of a range of days, added up
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging   grain: pod × hour; core-seconds, byte-seconds
-- Writes   ocp_pod_day   grain: day × namespace × node × pod × resource × label set
-- Plans    Staging tells the planner nothing about the number of groups, so sorting a million rows looks cheap to it:
--          sorts are off, groups are hashed, and what exceeds work_mem (twice it, by hash_mem_multiplier) is spilled.
--          Floating-point sums must not depend on which process sees which row, or they would differ in the last digit
--          from run to run, and a rebuilt invoice with them. So many rows are cut in two, always at the same piece;
--          each half is added up by one process, in the order of the rows on disk, and a + b is b + a.
-- Rerun    replaces the days

drop function if exists ocp_gather_pods(date, date, uuid);
drop function if exists ocp_gather_node_days(date, date, uuid);
drop function if exists ocp_gather_checked_pods(uuid, date, text);

create or replace function ocp_pod_sums(
    p_pieces bigint[], p_dead_hours bigint[], p_from timestamptz, p_until timestamptz
)
returns table (
    usage_day date,
    namespace text,
    node text,
    pod text,
    resource_id text,
    label_set_id bigint,
    row_count bigint,
    usage_cpu double precision,
    request_cpu double precision,
    limit_cpu double precision,
    effective_cpu_design double precision,
    effective_cpu_koku double precision,
    usage_memory double precision,
    request_memory double precision,
    limit_memory double precision,
    effective_memory_design double precision,
    effective_memory_koku double precision,
    capacity_cores double precision,
    capacity_memory_bytes double precision,
    node_role text,
    is_control_plane boolean
)
language plpgsql stable parallel safe cost 1000000 rows 50000
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 0
set synchronize_seqscans = off
as $$
declare
    -- UTC as an offset: a zone's name would be looked up for every row.
    v_utc interval := '0';
begin
    return query
    select
        (line.interval_start at time zone v_utc)::date,
        line.namespace,
        line.node,
        line.pod,
        line.resource_id,
        line.label_set_id,
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
    where ocp_is_live(line.piece_id, line.interval_start, p_pieces, p_dead_hours)
        and line.interval_start >= p_from
        and line.interval_start < p_until
    group by 1, 2, 3, 4, 5, 6;
end
$$;
comment on function ocp_pod_sums(bigint[], bigint[], timestamptz, timestamptz) is
'Part of ocp_rebuild_pod_days: sums of each pod and day over the rows of some pieces, added up by one process.';

drop function if exists ocp_rebuild_pod_days(date, date, uuid);

-- From p_min_rows rows on a second process gains more than adding the halves costs.
create or replace function ocp_rebuild_pod_days(
    p_start_date date, p_end_date date, p_source_uuid uuid, p_min_rows bigint default 200000
)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set enable_sort = off
set jit = off
set parallel_setup_cost = 0
set parallel_tuple_cost = 0
set max_parallel_workers_per_gather = 1
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_first_half bigint[];
    v_second_half bigint[];
begin
    select
        coalesce(array_agg(piece_id) filter (where rows_before < row_count / 2 or row_count < p_min_rows), '{}'),
        coalesce(array_agg(piece_id) filter (where rows_before >= row_count / 2 and row_count >= p_min_rows), '{}')
    into v_first_half, v_second_half
    from (
        select
            piece.piece_id,
            sum(piece.row_count) over (order by piece.piece_id) - piece.row_count as rows_before,
            sum(piece.row_count) over () as row_count
        from ocp_piece as piece
        where piece.piece_id = any(v_pieces)
    ) as summed;
    if cardinality(v_second_half) = 0 then
        perform set_config('max_parallel_workers_per_gather', '0', true);
    end if;

    drop table if exists pg_temp.ocp_pod_halves;
    create temporary table ocp_pod_halves on commit drop as
    select * from ocp_pod_sums(v_first_half, v_dead_hours, v_from, v_until)
    union all
    select * from ocp_pod_sums(v_second_half, v_dead_hours, v_from, v_until);

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
        usage_day,
        namespace,
        node,
        pod,
        resource_id,
        label_set_id,
        p_source_uuid,
        sum(row_count),
        sum(usage_cpu),
        sum(request_cpu),
        sum(limit_cpu),
        sum(effective_cpu_design),
        sum(effective_cpu_koku),
        sum(usage_memory),
        sum(request_memory),
        sum(limit_memory),
        sum(effective_memory_design),
        sum(effective_memory_koku),
        max(capacity_cores),
        max(capacity_memory_bytes),
        max(node_role collate "C") collate "default",
        bool_or(is_control_plane)
    from ocp_pod_halves
    group by usage_day, namespace, node, pod, resource_id, label_set_id;
end
$$;
comment on function ocp_rebuild_pod_days(date, date, uuid, bigint) is
'Step of ocp_rebuild_relations: sums of each pod and day, effective usage under both rules.';
