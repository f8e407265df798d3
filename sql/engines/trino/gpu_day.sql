-- engines/trino/gpu_day.sql
-- Purpose  relation ocp_gpu_day: one row per pod and GPU, whose columns are the greatest of the day
-- Dialect  Trino
-- Reads    live_gpu_usage   grain: pod × GPU × hour; names cleaned, MIG columns derived when the piece was converted
-- Grain    day × node × namespace × pod × GPU × MIG instance
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
select
    cast(usage_day as varchar) as usage_day,
    node,
    namespace,
    pod,
    gpu_uuid,
    mig_instance_id,
    count(*) as row_count,
    coalesce(sum(gpu_pod_uptime), 0e0) as uptime,
    max(gpu_vendor_name) as vendor_name,
    max(gpu_model_name) as model_name,
    max(coalesce(gpu_memory_capacity_mib, 0e0)) as memory_mib,
    max(gpu_max_slices) as gpu_max_slices,
    max(mig_slice_count) as mig_slice_count,
    max(mig_memory_capacity_mib) as mig_memory_mib,
    max(mig_profile) as mig_profile,
    max(mig_strategy) as mig_strategy
from live_gpu_usage
group by usage_day, node, namespace, pod, gpu_uuid, mig_instance_id
