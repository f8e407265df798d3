-- engines/comparable_days.sql
-- Purpose  of some days of a source those whose daily relations are what their live pieces add up to
-- Reads    ocp_day, ocp_piece
-- Grain    usage_day
-- Params   $1 source_uuid uuid   $2 days date[]   $3, $4 first and last of them date
select day.usage_day
from ocp_day as day
join ocp_pieces_hashes($1, $3::date, $4::date) as hashed using (usage_day)
where day.source_uuid = $1
    and day.usage_day = any($2::date[])
    and day.relations_hash = hashed.pieces_hash
order by day.usage_day
