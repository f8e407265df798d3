-- functions/036_claim_days.sql
-- Purpose  relation ocp_claim_day: the storage rows of a range of days added up, each row placed on the node of the pod
--          that mounts the volume, and every hour of a claim counted once
-- Reads    live rows of reporting_ocpusagelineitem_storage_staging   grain: claim × pod × hour; bytes, byte-seconds
--          ocp_pod_day; live pod rows in staging of pods that were on several nodes in a day
-- Writes   ocp_claim_day
--          grain: day × namespace × pod × node × resource × claim × volume × class × handle × label sets
-- Why      a claim has a row for each pod that mounts it, so a sum of rows would charge it once per pod. Nearly always
--          there is one row an hour and the pod stays where it is: such claims are summed as they are read. The others
--          are read again, hour by hour.
-- Plans    as functions/035_pod_days.sql: hashed, by one process
-- Rerun    replaces the days

drop function if exists ocp_gather_volumes(date, date, uuid);

create or replace function ocp_rebuild_claim_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set plan_cache_mode = force_custom_plan
set enable_mergejoin = off
set enable_nestloop = off
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 0
set synchronize_seqscans = off
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('storage_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('storage_usage', p_source_uuid, p_start_date, p_end_date);
begin
    drop table if exists pg_temp.ocp_staged_claims;
    create temporary table ocp_staged_claims on commit drop as
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
        line.piece_id,
        count(*) as row_count,
        bit_or(1 << date_part('hour', line.interval_start at time zone v_utc)::integer) as hour_mask,
        max(coalesce(line.persistentvolumeclaim_capacity_bytes, 0)) as capacity_bytes,
        coalesce(sum(line.persistentvolumeclaim_capacity_byte_seconds), 0) as capacity_byte_seconds,
        coalesce(sum(line.volume_request_storage_byte_seconds), 0) as request_byte_seconds,
        coalesce(sum(line.persistentvolumeclaim_usage_byte_seconds), 0) as usage_byte_seconds
    from reporting_ocpusagelineitem_storage_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, line.piece_id;

    perform ocp_require_rows(
        'storage_usage', p_source_uuid, p_start_date, p_end_date,
        array_agg(counted.piece_id), array_agg(counted.usage_day), array_agg(counted.row_count)
    )
    from (
        select
            piece_id,
            usage_day,
            sum(row_count)::bigint as row_count
        from ocp_staged_claims
        group by piece_id, usage_day
    ) as counted;

    -- The node of a volume is the node of the pod that mounts it; the file's own node column is not used.
    drop table if exists pg_temp.ocp_staged_mounts;
    create temporary table ocp_staged_mounts on commit drop as
    select
        line.usage_day,
        line.namespace,
        line.pod,
        max(line.node collate "C") as node,
        max(line.resource_id collate "C") as resource_id,
        min(line.node collate "C") <> max(line.node collate "C")
            or min(line.resource_id collate "C") <> max(line.resource_id collate "C") as is_moved
    from ocp_pod_day as line
    join (
        select distinct
            usage_day,
            namespace,
            pod
        from ocp_staged_claims
        where pod <> ''
    ) as mounting using (usage_day, namespace, pod)
    where line.source_uuid = p_source_uuid
        and line.usage_day between p_start_date and p_end_date
        and line.node <> ''
    group by line.usage_day, line.namespace, line.pod;

    -- More rows than hours: some hour has two rows, or two intervals that start in one hour, which is as good a reason.
    drop table if exists pg_temp.ocp_divided_claims;
    create temporary table ocp_divided_claims on commit drop as
    select
        claim.usage_day,
        claim.namespace,
        claim.persistentvolumeclaim
    from ocp_staged_claims as claim
    left join ocp_staged_mounts as mount using (usage_day, namespace, pod)
    group by claim.usage_day, claim.namespace, claim.persistentvolumeclaim
    having sum(claim.row_count) > bit_count(bit_or(claim.hour_mask)::bit(24))
        or bool_or(mount.is_moved);

    delete from ocp_claim_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    insert into ocp_claim_day (
        usage_day, namespace, pod, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass, csi_volume_handle,
        persistentvolume_label_set_id, persistentvolumeclaim_label_set_id, source_uuid, row_count,
        capacity_bytes, capacity, request, usage, sent_capacity, sent_request, sent_usage
    )
    select
        claim.usage_day,
        claim.namespace,
        claim.pod,
        mount.node,
        mount.resource_id,
        claim.persistentvolumeclaim,
        claim.persistentvolume,
        claim.storageclass,
        claim.csi_volume_handle,
        claim.persistentvolume_label_set_id,
        claim.persistentvolumeclaim_label_set_id,
        p_source_uuid,
        sum(claim.row_count),
        max(claim.capacity_bytes),
        sum(claim.capacity_byte_seconds),
        sum(claim.request_byte_seconds),
        sum(claim.usage_byte_seconds),
        sum(claim.capacity_byte_seconds),
        sum(claim.request_byte_seconds),
        sum(claim.usage_byte_seconds)
    from ocp_staged_claims as claim
    left join ocp_staged_mounts as mount using (usage_day, namespace, pod)
    left join ocp_divided_claims as divided using (usage_day, namespace, persistentvolumeclaim)
    where divided.usage_day is null
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;

    if exists (select from ocp_divided_claims) then
        perform ocp_divide_claims(p_source_uuid);
    end if;
end
$$;
comment on function ocp_rebuild_claim_days(date, date, uuid) is
'Step of ocp_rebuild_relations: volumes of each day on the nodes of their pods. Runs after ocp_rebuild_pod_days.';

create or replace function ocp_divide_claims(p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_mergejoin = off
set enable_nestloop = off
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 0
set synchronize_seqscans = off
as $$
declare
    v_utc interval := '0';
    v_pieces bigint[] := array(
        select unnest(ocp_live_pieces('storage_usage', p_source_uuid, divided_day.usage_day, divided_day.usage_day))
        from (select distinct usage_day from ocp_divided_claims) as divided_day
    );
    v_dead_hours bigint[] := array(
        select unnest(ocp_dead_hours('storage_usage', p_source_uuid, divided_day.usage_day, divided_day.usage_day))
        from (select distinct usage_day from ocp_divided_claims) as divided_day
    );
begin
    insert into ocp_claim_day (
        usage_day, namespace, pod, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass, csi_volume_handle,
        persistentvolume_label_set_id, persistentvolumeclaim_label_set_id, source_uuid, row_count,
        capacity_bytes, capacity, request, usage, sent_capacity, sent_request, sent_usage
    )
    with moved as materialized (
        select
            usage_day,
            namespace,
            pod
        from ocp_staged_mounts
        where is_moved
    ),
    claim_rows as materialized (
        select
            divided.usage_day,
            divided.namespace,
            line.pod,
            divided.persistentvolumeclaim,
            line.persistentvolume,
            line.interval_start,
            line.storageclass,
            line.csi_volume_handle,
            line.persistentvolume_label_set_id,
            line.persistentvolumeclaim_label_set_id,
            line.persistentvolumeclaim_capacity_bytes as capacity_bytes,
            line.persistentvolumeclaim_capacity_byte_seconds as capacity_byte_seconds,
            line.volume_request_storage_byte_seconds as request_byte_seconds,
            line.persistentvolumeclaim_usage_byte_seconds as usage_byte_seconds
        from reporting_ocpusagelineitem_storage_staging as line
        join ocp_divided_claims as divided
            on divided.namespace = line.namespace
            and divided.persistentvolumeclaim = line.persistentvolumeclaim
            and divided.usage_day = (line.interval_start at time zone v_utc)::date
        where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
    ),
    -- A blank volume of a named claim stands for the one that other rows of the claim have in that hour.
    claim_volumes as (
        select
            namespace,
            persistentvolumeclaim,
            interval_start,
            max(persistentvolume collate "C") collate "default" as persistentvolume
        from claim_rows
        where persistentvolumeclaim <> ''
        group by namespace, persistentvolumeclaim, interval_start
    ),
    named as materialized (
        select
            claim_rows.usage_day,
            claim_rows.namespace,
            claim_rows.pod,
            claim_rows.persistentvolumeclaim,
            case
                when claim_rows.persistentvolume = '' and claim_rows.persistentvolumeclaim <> '' then claim_volumes.persistentvolume
                else claim_rows.persistentvolume
            end as persistentvolume,
            claim_rows.interval_start,
            claim_rows.storageclass,
            claim_rows.csi_volume_handle,
            claim_rows.persistentvolume_label_set_id,
            claim_rows.persistentvolumeclaim_label_set_id,
            claim_rows.capacity_bytes,
            claim_rows.capacity_byte_seconds,
            claim_rows.request_byte_seconds,
            claim_rows.usage_byte_seconds
        from claim_rows
        left join claim_volumes using (namespace, persistentvolumeclaim, interval_start)
    ),
    -- An absent value has no share: those that were sent share the hour.
    claim_hours as (
        select
            namespace,
            persistentvolumeclaim,
            persistentvolume,
            interval_start,
            count(capacity_byte_seconds) as capacities,
            count(request_byte_seconds) as requests,
            count(usage_byte_seconds) as usages
        from named
        -- A row with neither claim nor volume is a claim of its own.
        where persistentvolumeclaim <> ''
            or persistentvolume <> ''
        group by namespace, persistentvolumeclaim, persistentvolume, interval_start
    )
    select
        named.usage_day,
        named.namespace,
        named.pod,
        case when mount.is_moved then span.node else mount.node end,
        case when mount.is_moved then span.resource_id else mount.resource_id end,
        named.persistentvolumeclaim,
        named.persistentvolume,
        named.storageclass,
        named.csi_volume_handle,
        named.persistentvolume_label_set_id,
        named.persistentvolumeclaim_label_set_id,
        p_source_uuid,
        count(*),
        max(coalesce(named.capacity_bytes, 0)),
        coalesce(sum(named.capacity_byte_seconds / coalesce(nullif(claim_hours.capacities, 0), 1)), 0),
        coalesce(sum(named.request_byte_seconds / coalesce(nullif(claim_hours.requests, 0), 1)), 0),
        coalesce(sum(named.usage_byte_seconds / coalesce(nullif(claim_hours.usages, 0), 1)), 0),
        coalesce(sum(named.capacity_byte_seconds), 0),
        coalesce(sum(named.request_byte_seconds), 0),
        coalesce(sum(named.usage_byte_seconds), 0)
    from named
    left join claim_hours using (namespace, persistentvolumeclaim, persistentvolume, interval_start)
    left join ocp_staged_mounts as mount
        on mount.usage_day = named.usage_day
        and mount.namespace = named.namespace
        and mount.pod = named.pod
    left join ocp_pod_spans(
        p_source_uuid,
        array(select usage_day from moved),
        array(select namespace from moved),
        array(select pod from moved)
    ) as span
        on span.usage_day = named.usage_day
        and span.namespace = named.namespace
        and span.pod = named.pod
        and named.interval_start >= span.from_time
        and named.interval_start < span.until_time
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;
end
$$;
comment on function ocp_divide_claims(uuid) is
'Part of ocp_rebuild_claim_days: adds the claims listed in ocp_divided_claims, each hour of a claim divided between its rows.';
