-- intake/outdated_pieces.sql
-- Purpose  pieces of a file that its current content no longer contains, or contains as another kind
-- Params   $1 file_id bigint   $2 kind text   $3 days date[]
select
    piece_id,
    report_kind,
    usage_day
from ocp_piece
where file_id = $1
    and state <> 'abandoned'
    and not (report_kind is not distinct from $2 and usage_day = any($3::date[]))
order by piece_id
for update
