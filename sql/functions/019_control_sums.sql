-- functions/019_control_sums.sql
-- Purpose  do the daily relations hold what was loaded? The plain sums of the relations are compared with the control
--          sums of the pieces, taken from their bytes: rows exactly, core-seconds and byte-seconds to a billionth
-- Reads    ocp_piece, ocp_piece_sum; daily relations
-- Error    OCP01 with all live pieces of the kind and day as detail: they are reloaded, and the step is repeated
-- Rerun    repeatable definitions

create or replace function ocp_control_sums(p_source_uuid uuid, p_usage_days date[])
returns table (
    report_kind text,
    usage_day date,
    piece_ids bigint[],
    row_count bigint,
    core_seconds double precision,
    byte_seconds double precision,
    core_seconds_magnitude double precision,
    byte_seconds_magnitude double precision
)
language sql stable parallel safe rows 31
set search_path from current
set jit = off
as $$
    select
        piece.report_kind,
        piece.usage_day,
        array_agg(piece.piece_id order by piece.piece_id),
        sum(live.row_count)::bigint,
        sum(live.core_seconds),
        sum(live.byte_seconds),
        sum(known.core_seconds_magnitude),
        sum(known.byte_seconds_magnitude)
    from ocp_piece as piece
    left join ocp_piece_sum as known
        on known.piece_id = piece.piece_id
        and known.checksum = piece.checksum
    cross join lateral (
        select
            coalesce(sum(hour.row_count), 0) as row_count,
            coalesce(sum(hour.core_seconds), 0) as core_seconds,
            coalesce(sum(hour.byte_seconds), 0) as byte_seconds
        from unnest(known.hours, known.row_counts, known.core_seconds, known.byte_seconds)
            as hour (number, row_count, core_seconds, byte_seconds)
        where not ocp_is_dead_hour(piece.hour_mask, piece.live_hours, hour.number)
    ) as live
    where piece.source_uuid = p_source_uuid
        and piece.usage_day = any(p_usage_days)
        and piece.live_hours > 0
    group by piece.report_kind, piece.usage_day
    -- A piece that an earlier version loaded has no sums, and one whose newer content is on its way has others.
    having bool_and(known.piece_id is not null)
$$;
comment on function ocp_control_sums(uuid, date[]) is
'What the live hours of the live pieces of each kind and day add up to; a kind and day of which a piece has no control sums is absent.';

create or replace function ocp_relation_sums(p_source_uuid uuid, p_usage_days date[])
returns table (
    report_kind text,
    usage_day date,
    row_count bigint,
    core_seconds double precision,
    byte_seconds double precision
)
language sql stable parallel safe rows 31
set search_path from current
set jit = off
as $$
    select
        'pod_usage',
        usage_day,
        sum(row_count),
        sum(usage_cpu + request_cpu + limit_cpu),
        sum(usage_memory + request_memory + limit_memory)
    from ocp_pod_day
    where source_uuid = p_source_uuid
        and usage_day = any(p_usage_days)
    group by usage_day
    union all
    select
        'storage_usage',
        usage_day,
        sum(row_count),
        0,
        sum(sent_capacity + sent_request + sent_usage)
    from ocp_claim_day
    where source_uuid = p_source_uuid
        and usage_day = any(p_usage_days)
    group by usage_day
    union all
    select
        'node_labels',
        usage_day,
        sum(row_count),
        0,
        0
    from ocp_node_label_day
    where source_uuid = p_source_uuid
        and usage_day = any(p_usage_days)
    group by usage_day
    union all
    select
        'namespace_labels',
        usage_day,
        sum(row_count),
        0,
        0
    from ocp_namespace_label_day
    where source_uuid = p_source_uuid
        and usage_day = any(p_usage_days)
    group by usage_day
    union all
    select
        'vm_usage',
        usage_day,
        sum(row_count),
        sum(sent_core_seconds),
        sum(sent_byte_seconds)
    from ocp_vm_day
    where source_uuid = p_source_uuid
        and usage_day = any(p_usage_days)
    group by usage_day
    union all
    select
        'gpu_usage',
        usage_day,
        sum(row_count),
        0,
        0
    from ocp_gpu_day
    where source_uuid = p_source_uuid
        and usage_day = any(p_usage_days)
    group by usage_day
$$;
comment on function ocp_relation_sums(uuid, date[]) is
'What the daily relations of each kind and day add up to: rows, core-seconds, byte-seconds, as they were sent.';

create or replace function ocp_require_control_sums(p_source_uuid uuid, p_usage_days date[], p_pieces_hashes text[])
returns void
language plpgsql stable
set search_path from current
as $$
declare
    v_days date[];
    v_wrong jsonb;
begin
    -- A day of which newer content arrived meanwhile is compared when it is rebuilt.
    v_days := array(
        select built.usage_day
        from unnest(p_usage_days, p_pieces_hashes) as built (usage_day, pieces_hash)
        join ocp_pieces_hashes(
            p_source_uuid,
            (select min(asked.usage_day) from unnest(p_usage_days) as asked (usage_day)),
            (select max(asked.usage_day) from unnest(p_usage_days) as asked (usage_day))
        ) as present using (usage_day, pieces_hash)
    );

    with differing as (
        select distinct on (expected.report_kind, expected.usage_day)
            expected.report_kind,
            expected.usage_day,
            expected.piece_ids,
            compared.*
        from ocp_control_sums(p_source_uuid, v_days) as expected
        left join ocp_relation_sums(p_source_uuid, v_days) as found using (report_kind, usage_day)
        cross join lateral (
            values
                (1, 'rows', expected.row_count::float8, coalesce(found.row_count, 0)::float8, 0::float8),
                (2, 'core-seconds', expected.core_seconds, coalesce(found.core_seconds, 0), expected.core_seconds_magnitude),
                (3, 'byte-seconds', expected.byte_seconds, coalesce(found.byte_seconds, 0), expected.byte_seconds_magnitude)
        ) as compared (place, measure, expected_sum, found_sum, magnitude)
        where abs(compared.found_sum - compared.expected_sum) > 1e-9 * compared.magnitude
        order by expected.report_kind, expected.usage_day, compared.place
    )
    select jsonb_agg(
        jsonb_build_object(
            'pieceId', piece.piece_id, 'reportKind', differing.report_kind, 'usageDay', differing.usage_day,
            'expected', differing.expected_sum, 'found', differing.found_sum, 'measure', differing.measure
        )
        order by differing.usage_day, differing.report_kind, piece.piece_id
    )
    into v_wrong
    from differing
    cross join lateral unnest(differing.piece_ids) as piece (piece_id);

    if v_wrong is not null then
        raise exception 'daily relations do not add up to what was loaded of % pieces', jsonb_array_length(v_wrong)
        using
            errcode = 'OCP01',
            detail = v_wrong::text,
            hint = 'Run: ocp-pipeline resummarize, which loads them again.';
    end if;
end
$$;
comment on function ocp_require_control_sums(uuid, date[], text[]) is
'Raises OCP01 with the live pieces of each kind and day whose daily relations do not add up to the control sums; given are days and the hashes of the pieces that their relations were built from.';
