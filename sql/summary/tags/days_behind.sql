-- summary/tags/days_behind.sql
-- Purpose  days of a source and month whose labels and tag mapping are older than their daily summary
-- Params   $1 source_uuid uuid   $2 first day of the month date
select usage_day
from ocp_day
where source_uuid = $1
    and usage_day >= $2::date
    and usage_day < ($2::date + interval '1 month')::date
    and tags_version is distinct from version
order by usage_day
