-- retention/lock_pieces.sql
-- Purpose  lock the ledger rows of a kind and range of days, or fail at once if a load holds one
-- Reads    ocp_piece
-- Locks    never waits: the caller holds the staging table, which a load needs that holds a ledger row
-- Params   $1 report kind text   $2 first day date   $3 day after the last date
select piece_id
from ocp_piece
where report_kind = $1
    and usage_day >= $2::date
    and usage_day < $3::date
order by piece_id
for update nowait
