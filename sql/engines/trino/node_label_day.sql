-- engines/trino/node_label_day.sql
-- Purpose  relation ocp_node_label_day: which label sets each node had, and when
-- Dialect  Trino
-- Reads    live_node_labels   grain: node × hour
-- Grain    day × node × label set
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
select
    cast(usage_day as varchar) as usage_day,
    node,
    node_labels as label_set_id,
    cast(min(interval_start) as varchar) || '+00' as first_hour,
    cast(max(interval_start) as varchar) || '+00' as last_hour,
    count(*) as row_count
from live_node_labels
group by usage_day, node, node_labels
