-- functions/018_old_pieces.sql
-- Purpose  whether staging is done with a piece
-- Rerun    repeatable definition

-- No "set" clause, so that it is inlined.
create or replace function ocp_is_piece_old(
    p_live_hours integer, p_state text, p_processed_at timestamptz, p_staged_at timestamptz, p_cutoff timestamptz
)
returns boolean
language sql immutable parallel safe
as $$
    select case
        when p_state in ('failed', 'abandoned') or p_live_hours = 0 then p_staged_at < p_cutoff
        else p_processed_at < p_cutoff
    end
$$;
comment on function ocp_is_piece_old(integer, text, timestamptz, timestamptz, timestamptz) is
'True when a summary was built from a piece, or the piece does not count and was staged, before the cutoff; a piece that nobody judged or summarised never is.';
