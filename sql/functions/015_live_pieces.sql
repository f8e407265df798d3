-- functions/015_live_pieces.sql
-- Purpose  which staging rows count: every reader of staging calls these functions
-- Use      v_pieces bigint[] := ocp_live_pieces(kind, source, first day, last day);
--          v_dead_hours bigint[] := ocp_dead_hours(kind, source, first day, last day);
--          … where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
-- Reads    ocp_piece
-- Plans    callers disable sorts and nested loops for their million rows. These few rows would then be read in the
--          order of all ids of the tenant, or seem so expensive that the planner compiles the query (jit), which takes
--          half a second
-- Rerun    repeatable definitions

create or replace function ocp_live_pieces(p_report_kind text, p_source_uuid uuid, p_start_date date, p_end_date date)
returns bigint[]
language sql stable parallel safe
set search_path from current
set enable_nestloop = on
set enable_sort = on
set jit = off
as $$
    -- In no order: callers that plan without sorts would get it by reading all pieces of the tenant in the order of
    -- their ids.
    select coalesce(array_agg(piece.piece_id), '{}')
    from ocp_piece as piece
    where piece.source_uuid = p_source_uuid
        and piece.report_kind = p_report_kind
        and piece.live_hours > 0
        and piece.usage_day between p_start_date and p_end_date
$$;
comment on function ocp_live_pieces(text, uuid, date, date) is 'Pieces of a kind in a range of UTC days of which at least one hour counts.';

create or replace function ocp_dead_hours(p_report_kind text, p_source_uuid uuid, p_start_date date, p_end_date date)
returns bigint[]
language sql stable parallel safe
set search_path from current
set enable_nestloop = on
set enable_sort = on
set jit = off
as $$
    select coalesce(array_agg(piece.piece_id * 24 + hour.number), '{}')
    from ocp_piece as piece
    cross join generate_series(0, 23) as hour (number)
    where piece.source_uuid = p_source_uuid
        and piece.report_kind = p_report_kind
        and piece.live_hours > 0
        -- Nearly all pieces count wholly and end here.
        and piece.live_hours & piece.hour_mask <> piece.hour_mask
        and piece.usage_day between p_start_date and p_end_date
        and ocp_is_dead_hour(piece.hour_mask, piece.live_hours, hour.number)
$$;
comment on function ocp_dead_hours(text, uuid, date, date) is
'Hours of live pieces that do not count, each as 24 · piece_id + UTC hour; empty when all pieces count wholly, as they nearly always do.';

-- No "set" clause: the function must be inlined, so that the planner sees an index condition on the piece, and no
-- second condition at all if all pieces count completely.
create or replace function ocp_is_live(
    p_piece_id bigint, p_interval_start timestamptz, p_live_pieces bigint[], p_dead_hours bigint[]
)
returns boolean
language sql immutable parallel safe
as $$
    select p_piece_id = any(p_live_pieces)
        and (
            cardinality(p_dead_hours) = 0
            or p_piece_id * 24 + date_part('hour', p_interval_start at time zone interval '0')::integer <> all(p_dead_hours)
        )
$$;
comment on function ocp_is_live(bigint, timestamptz, bigint[], bigint[]) is
'Whether a staging row counts: its piece is live and so is its UTC hour. Pass ocp_live_pieces and ocp_dead_hours as constants.';

create or replace function ocp_pieces_hashes(p_source_uuid uuid, p_start_date date, p_end_date date)
returns table (usage_day date, pieces_hash text)
language sql stable parallel safe rows 31
set search_path from current
set enable_nestloop = on
set enable_sort = on
set jit = off
as $$
    select
        piece.usage_day,
        md5(string_agg(counted.content, ',' order by counted.content collate "C"))
    from ocp_piece as piece
    cross join lateral (
        -- Hours are named only where some do not count: the checksum tells the others.
        select concat_ws(
            ':',
            piece.report_kind,
            piece.checksum,
            case when piece.live_hours & piece.hour_mask <> piece.hour_mask then piece.live_hours & piece.hour_mask end
        ) as content
    ) as counted
    where piece.source_uuid = p_source_uuid
        and piece.live_hours > 0
        and piece.usage_day between p_start_date and p_end_date
    group by piece.usage_day
$$;
comment on function ocp_pieces_hashes(uuid, date, date) is
'What the summary of each day is built from, as one hash: kinds, checksums and live hours of its live pieces. Days without live pieces are absent.';
