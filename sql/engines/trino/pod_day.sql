-- engines/trino/pod_day.sql
-- Purpose  relation ocp_pod_day: the pod rows of some days, added up, effective usage under both rules profiles
-- Dialect  Trino. greatest and least are NULL if any argument is, so blanks are treated before: a blank usage is 0, a
-- blank
--          request is absent
-- Reads    live_pod_usage   grain: pod × hour; core-seconds, byte-seconds
-- Grain    day × namespace × node × pod × resource × label set
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
select
    cast(usage_day as varchar) as usage_day,
    namespace,
    node,
    pod,
    resource_id,
    pod_labels as label_set_id,
    count(*) as row_count,
    coalesce(sum(pod_usage_cpu_core_seconds), 0e0) as usage_cpu,
    coalesce(sum(pod_request_cpu_core_seconds), 0e0) as request_cpu,
    coalesce(sum(pod_limit_cpu_core_seconds), 0e0) as limit_cpu,
    sum(
        case
            when pod_request_cpu_core_seconds is null then coalesce(pod_usage_cpu_core_seconds, 0e0)
            else least(coalesce(pod_usage_cpu_core_seconds, 0e0), pod_request_cpu_core_seconds)
        end
    ) as effective_cpu_design,
    sum(
        greatest(coalesce(pod_usage_cpu_core_seconds, 0e0), coalesce(pod_request_cpu_core_seconds, 0e0))
    ) as effective_cpu_koku,
    coalesce(sum(pod_usage_memory_byte_seconds), 0e0) as usage_memory,
    coalesce(sum(pod_request_memory_byte_seconds), 0e0) as request_memory,
    coalesce(sum(pod_limit_memory_byte_seconds), 0e0) as limit_memory,
    sum(
        case
            when pod_request_memory_byte_seconds is null then coalesce(pod_usage_memory_byte_seconds, 0e0)
            else least(coalesce(pod_usage_memory_byte_seconds, 0e0), pod_request_memory_byte_seconds)
        end
    ) as effective_memory_design,
    sum(
        greatest(coalesce(pod_usage_memory_byte_seconds, 0e0), coalesce(pod_request_memory_byte_seconds, 0e0))
    ) as effective_memory_koku,
    max(coalesce(node_capacity_cpu_cores, 0e0)) as capacity_cores,
    max(coalesce(node_capacity_memory_bytes, 0e0)) as capacity_memory_bytes,
    max(nullif(node_role, '')) as node_role,
    bool_or(node_role = 'control-plane') as is_control_plane
from live_pod_usage
group by usage_day, namespace, node, pod, resource_id, pod_labels
