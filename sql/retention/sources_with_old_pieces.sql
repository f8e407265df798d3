-- retention/sources_with_old_pieces.sql
-- Purpose  sources of which staging holds pieces that it no longer needs
-- Reads    ocp_piece; see retention/old_pieces.sql
-- Grain    source
-- Params   $1 first moment that is kept timestamptz
select distinct source_uuid as "sourceUuid"
from ocp_piece
where staged_checksum is not null
    and state in ('staged', 'failed', 'abandoned')
    and usage_day < ($1::timestamptz at time zone 'UTC')::date
    and ocp_is_piece_old(live_hours, state, processed_at, staged_at, $1)
order by 1
