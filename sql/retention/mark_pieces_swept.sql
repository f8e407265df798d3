-- retention/mark_pieces_swept.sql
-- Purpose  note that the rows of pieces are no longer in staging
-- Writes   ocp_piece.state, ocp_piece.staged_checksum; processed_at stays
-- Params   $1 pieces bigint[]
-- Rerun    changes nothing
update ocp_piece
set state = case when state = 'staged' then 'swept' else state end,
    staged_checksum = null
where piece_id = any($1::bigint[])
