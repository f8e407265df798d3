-- summary/daily/stale_statistics.sql
-- Purpose  staging partitions of a month that have grown by a fifth since their last analyze, or never had one
-- Reads    catalog, statistics views
-- Why      after a large load the planner would take a partition for nearly empty until autovacuum runs; small ones are
--          planned well without statistics
-- Params   $1 staging tables text[]   $2 month text, YYYY_MM
select part.relname as "partitionName"
from unnest($1::text[]) as listed (table_name)
join pg_class as part
    on part.relname = listed.table_name || '_' || $2
    and part.relnamespace = (select oid from pg_namespace where nspname = current_schema())
join pg_stat_user_tables as activity on activity.relid = part.oid
where activity.n_mod_since_analyze >= 50000
    and activity.n_mod_since_analyze >= 0.2 * greatest(part.reltuples, 0)
order by part.relname
