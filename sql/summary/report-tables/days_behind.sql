-- summary/report-tables/days_behind.sql
-- Purpose  days of a source and month whose UI tables are older than their daily summary
-- Params   $1 source_uuid uuid   $2 first day of the month date
select
    usage_day,
    version
from ocp_day
where source_uuid = $1
    and usage_day >= $2::date
    and usage_day < ($2::date + interval '1 month')::date
    and ui_version is distinct from version
order by usage_day
