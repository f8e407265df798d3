-- functions/014_pieces.sql
-- Purpose  what a row of the ledger says about a piece: conditions that several statements share
-- Reads    nothing
-- Plans    no "set" clauses: the functions are inlined
-- Rerun    repeatable definitions

create or replace function ocp_is_dead_hour(p_hour_mask integer, p_live_hours integer, p_hour integer)
returns boolean
language sql immutable parallel safe
as $$ select (p_hour_mask & ~p_live_hours) & (1 << p_hour) <> 0 $$;
comment on function ocp_is_dead_hour(integer, integer, integer) is
'Whether rows of this UTC hour of a live piece do not count; given are its hour_mask and live_hours.';

create or replace function ocp_is_missing(p_engine text, p_state text, p_checksum text, p_lake_checksum text)
returns boolean
language sql immutable parallel safe
as $$ select case when p_engine = 'trino' then p_lake_checksum is distinct from p_checksum else p_state = 'swept' end $$;
comment on function ocp_is_missing(text, text, text, text) is
'Whether a loaded piece is not where an engine (postgres, trino) reads it; given are its state and checksum, and the checksum of ocp_lake_piece, NULL when it is not there.';
