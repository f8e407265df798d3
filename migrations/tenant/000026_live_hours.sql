-- Up Migration
-- Which hours of a piece count. Until now a piece counted wholly or not at all.

alter table ocp_piece add column if not exists live_hours integer check (live_hours between 0 and (1 << 24) - 1);

-- A piece that a summary was built from counted with all its hours; the next aggregation judges it again.
update ocp_piece
set live_hours = case when generation = 'live' then hour_mask else 0 end
where generation is not null;

alter table ocp_piece drop column generation;
alter table ocp_piece add column generation text generated always as (
    case when live_hours = 0 then 'superseded' when live_hours > 0 then 'live' end
) stored;

comment on column ocp_piece.live_hours is 'Bit h is set when the piece''s rows of UTC hour h count; 0: none do, another piece covers its hours better; NULL: not judged yet. Recomputed by each aggregation.';
comment on column ocp_piece.generation is 'live: at least one hour counts, see live_hours; superseded: none does; NULL: not judged yet.';
comment on column ocp_day.pieces_hash is 'Hash of the live pieces'' kinds, checksums and live hours; see ocp_pieces_hashes.';
