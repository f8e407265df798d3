-- engines/move_month.sql
-- Purpose  give a month of a source to another engine, which then builds all its daily relations
-- Writes   ocp_source_month.engine, ocp_day.relations_hash
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 engine text
-- Rerun    changes nothing
with moved as (
    update ocp_source_month
    set engine = $3
    where source_uuid = $1
        and billing_month = $2::date
        and engine is distinct from $3
    returning source_uuid
)
update ocp_day
set relations_hash = null
from moved
where ocp_day.source_uuid = moved.source_uuid
    and ocp_day.usage_day >= $2::date
    and ocp_day.usage_day < ($2::date + interval '1 month')::date
    and ocp_day.pieces_hash <> 'none'
