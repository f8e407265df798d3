-- functions/036_staged_volumes.sql
-- Purpose  the storage rows of a range of days, read once for all steps of the transaction that follow
-- Reads    live rows of reporting_ocpusagelineitem_storage_staging   grain: claim × pod × hour; bytes, byte-seconds
-- Writes   ocp_staged_volumes (temporary)   grain: day × namespace × pod × claim × volume × class × handle × label sets
-- Plans    as functions/035_staged_pods.sql: hashed, by one process
-- Rerun    replaces the table; it ends with the transaction

create or replace function ocp_gather_volumes(p_start_date date, p_end_date date, p_source_uuid uuid)
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
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('storage_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('storage_usage', p_source_uuid, p_start_date, p_end_date);
begin
    drop table if exists pg_temp.ocp_staged_volumes;
    create temporary table ocp_staged_volumes on commit drop as
    select
        (line.interval_start at time zone v_utc)::date as usage_day,
        line.namespace,
        line.pod,
        line.persistentvolumeclaim,
        line.persistentvolume,
        line.storageclass,
        line.csi_volume_handle,
        line.persistentvolume_label_set_id,
        line.persistentvolumeclaim_label_set_id,
        max(coalesce(line.persistentvolumeclaim_capacity_bytes, 0)) as capacity_bytes,
        coalesce(sum(line.persistentvolumeclaim_capacity_byte_seconds), 0) as capacity_byte_seconds,
        coalesce(sum(line.volume_request_storage_byte_seconds), 0) as request_byte_seconds,
        coalesce(sum(line.persistentvolumeclaim_usage_byte_seconds), 0) as usage_byte_seconds
    from reporting_ocpusagelineitem_storage_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9;
end
$$;
comment on function ocp_gather_volumes(date, date, uuid) is
'Step of populate_daily_summary_from_staging: sums of each volume and day, into the temporary table ocp_staged_volumes.';
