-- summary/daily/mark_miscounted.sql
-- Purpose  record that pieces are not in staging as they were loaded, so that every reader requests them
-- Writes   ocp_piece.state; staged_checksum stays, and tells the load that there may be leftover rows to delete
-- Params   $1 pieces bigint[]
-- Rerun    changes nothing; a piece that was reloaded meanwhile is loaded once more
update ocp_piece
set state = 'swept'
where piece_id = any($1::bigint[])
    and state = 'staged'
