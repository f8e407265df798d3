-- functions/033_capacity_days.sql
-- Purpose  relation ocp_capacity_day: the capacity of nodes, from one scan that also counts the rows of every piece
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging   grain: pod × hour; core-seconds, byte-seconds
-- Writes   ocp_capacity_day   grain: day × node; core-seconds, byte-seconds
-- Error    OCP01 when staging lacks rows (functions/017)
-- Plans    Maxima may be parallel: they are the same whatever worker sees which row.
-- Rerun    replaces the days

drop function if exists ocp_gather_node_hours(date, date, uuid);

create or replace function ocp_rebuild_capacity_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set jit = off
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('pod_usage', p_source_uuid, p_start_date, p_end_date);
begin
    drop table if exists pg_temp.ocp_read_piece_hours;
    create temporary table ocp_read_piece_hours on commit drop as
    select
        line.node,
        line.interval_start,
        line.piece_id,
        count(*) as row_count,
        max(coalesce(line.node_capacity_cpu_core_seconds, 0)) as cpu_core_seconds,
        max(coalesce(line.node_capacity_memory_byte_seconds, 0)) as memory_byte_seconds
    from reporting_ocpusagelineitem_pod_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by line.node, line.interval_start, line.piece_id;

    perform ocp_require_rows(
        'pod_usage', p_source_uuid, p_start_date, p_end_date,
        array_agg(counted.piece_id), array_agg(counted.usage_day), array_agg(counted.row_count)
    )
    from (
        select
            piece_id,
            (interval_start at time zone 'UTC')::date as usage_day,
            sum(row_count)::bigint as row_count
        from ocp_read_piece_hours
        group by 1, 2
    ) as counted;

    delete from ocp_capacity_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    -- Capacity repeats on every pod of the node: the maximum of each hour, summed over the hours.
    insert into ocp_capacity_day (usage_day, source_uuid, node, capacity_cpu, capacity_memory, hour_count)
    select
        (node_hours.interval_start at time zone 'UTC')::date,
        p_source_uuid,
        node_hours.node,
        sum(node_hours.cpu_core_seconds order by node_hours.interval_start),
        sum(node_hours.memory_byte_seconds order by node_hours.interval_start),
        count(*)
    from (
        select
            node,
            interval_start,
            max(cpu_core_seconds) as cpu_core_seconds,
            max(memory_byte_seconds) as memory_byte_seconds
        from ocp_read_piece_hours
        where node <> ''
        group by node, interval_start
    ) as node_hours
    group by 1, node_hours.node;
end
$$;
comment on function ocp_rebuild_capacity_days(date, date, uuid) is
'Step of ocp_rebuild_relations: capacity of each node and day; raises OCP01 when staging lacks pod rows.';
