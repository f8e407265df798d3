-- retention/expired_partitions.sql
-- Purpose  partitions whose whole range ends at or before a given time
-- Reads    the catalog: the bounds decide, not the names
-- Grain    partition; from_day and until_day are UTC, until_day is the first day after it; a default partition and one
--          without an upper bound never expire
-- Params   $1 schema text   $2 partitioned tables text[]   $3 cutoff timestamptz
-- Session  time zone UTC: bounds are printed and read back in it
select
    parent.relname as parent,
    child.relname as name,
    child.oid::text as oid,
    (bounds.from_time at time zone 'UTC')::date::text as from_day,
    (bounds.until_time at time zone 'UTC')::date::text as until_day,
    bounds.from_time = date_trunc('day', bounds.from_time)
        and bounds.until_time = date_trunc('day', bounds.until_time) as aligned
from pg_namespace as tenant
join pg_class as parent
    on parent.relnamespace = tenant.oid
    and parent.relname = any($2::text[])
    and parent.relkind = 'p'
join pg_inherits as inheritance on inheritance.inhparent = parent.oid
join pg_class as child on child.oid = inheritance.inhrelid
cross join lateral (
    select pg_get_expr(child.relpartbound, child.oid) as bound
) as printed
cross join lateral (
    select
        case
            when printed.bound ~ '^FOR VALUES FROM \(MINVALUE\)' then '-infinity'::timestamptz
            else substring(printed.bound from '^FOR VALUES FROM \(''([^'']+)''\)')::timestamptz
        end as from_time,
        substring(printed.bound from ' TO \(''([^'']+)''\)$')::timestamptz as until_time
) as bounds
where tenant.nspname = $1
    and bounds.from_time is not null
    and bounds.until_time <= $3::timestamptz
order by
    bounds.until_time,
    parent.relname,
    child.relname
