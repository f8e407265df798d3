-- retention/mark_swept.sql
-- Purpose  record that the rows of a kind and range of days are no longer in staging
-- Writes   ocp_piece.state, ocp_piece.staged_checksum of pieces that had rows there; processed_at stays
-- Params   $1 report kind text   $2 first day date   $3 day after the last date
-- Rerun    changes nothing
update ocp_piece
set state = case when state = 'staged' then 'swept' else state end,
    staged_checksum = null
where report_kind = $1
    and usage_day >= $2::date
    and usage_day < $3::date
    and (state = 'staged' or staged_checksum is not null)
