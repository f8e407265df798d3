-- engines/trino/capacity_day.sql
-- Purpose  relation ocp_capacity_day: capacity repeats on every pod of the node, so the maximum of each hour counts,
--          and the hours are added up
-- Dialect  Trino
-- Reads    live_pod_usage   grain: pod × hour; core-seconds, byte-seconds
-- Grain    day × node
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
select
    cast(usage_day as varchar) as usage_day,
    node,
    sum(cpu_core_seconds) as capacity_cpu,
    sum(memory_byte_seconds) as capacity_memory,
    count(*) as hour_count
from (
    select
        usage_day,
        node,
        interval_start,
        max(coalesce(node_capacity_cpu_core_seconds, 0e0)) as cpu_core_seconds,
        max(coalesce(node_capacity_memory_byte_seconds, 0e0)) as memory_byte_seconds
    from live_pod_usage
    where node <> ''
    group by usage_day, node, interval_start
) as node_hours
group by usage_day, node
