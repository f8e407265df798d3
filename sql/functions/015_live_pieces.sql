-- functions/015_live_pieces.sql
-- Purpose  ids of the pieces that a day's summary is built from
-- Reads    ocp_piece
-- Rerun    repeatable definition

create or replace function ocp_live_pieces(p_report_kind text, p_source_uuid uuid, p_start_date date, p_end_date date)
returns bigint[]
language sql stable parallel safe
set search_path from current
as $$
    -- In no order: callers that plan without sorts would get it by reading all pieces of the tenant in the order of their ids.
    select coalesce(array_agg(piece.piece_id), '{}')
    from ocp_piece as piece
    where piece.source_uuid = p_source_uuid
        and piece.report_kind = p_report_kind
        and piece.generation = 'live'
        and piece.usage_day between p_start_date and p_end_date
$$;
comment on function ocp_live_pieces(text, uuid, date, date) is 'Live pieces of a kind in a range of UTC days.';
