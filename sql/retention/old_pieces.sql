-- retention/old_pieces.sql
-- Purpose  one batch of a source's pieces that staging no longer needs: their day is over, and a summary was built from
--          them, or they do not count, for longer than staging is kept
-- Reads    ocp_piece
-- Locks    the pieces; one that a load holds is passed over
-- Params   $1 source_uuid uuid   $2 first moment that is kept timestamptz   $3 batch size integer
select
    piece_id as "pieceId",
    report_kind as "reportKind",
    usage_day as "usageDay"
from ocp_piece
where source_uuid = $1
    and staged_checksum is not null
    and state in ('staged', 'failed', 'abandoned')
    and usage_day < ($2::timestamptz at time zone 'UTC')::date
    and ocp_is_piece_old(live_hours, state, processed_at, staged_at, $2)
order by piece_id
limit $3
for update skip locked
