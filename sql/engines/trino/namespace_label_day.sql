-- engines/trino/namespace_label_day.sql
-- Purpose  relation ocp_namespace_label_day: which label sets each namespace had, and when
-- Dialect  Trino
-- Reads    live_namespace_labels   grain: namespace × hour
-- Grain    day × namespace × label set
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
select
    cast(usage_day as varchar) as usage_day,
    namespace,
    namespace_labels as label_set_id,
    cast(min(interval_start) as varchar) || '+00' as first_hour,
    cast(max(interval_start) as varchar) || '+00' as last_hour,
    count(*) as row_count
from live_namespace_labels
group by usage_day, namespace, namespace_labels
