-- engines/trino/vm_day.sql
-- Purpose  relation ocp_vm_day: virtual machines, by disk. Rows of one hour that have the same claim, or none, repeat
--          the machine; each disk has a size of its own
-- Dialect  Trino
-- Reads    live_vm_usage   grain: VM × disk × hour; core-seconds, byte-seconds, seconds
-- Grain    day × namespace × node × VM × label set × claim of a disk
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
with vm_hours as (
    select
        usage_day,
        namespace,
        node,
        vm_name,
        vm_labels,
        coalesce(vm_persistentvolumeclaim_name, '') as persistentvolumeclaim,
        interval_start,
        max(resource_id) as resource_id,
        count(*) as row_count,
        max(coalesce(vm_cpu_request_cores, 0e0)) as cores,
        max(coalesce(vm_memory_request_bytes, 0e0)) as memory_bytes,
        max(coalesce(vm_uptime_total_seconds, 0e0)) as uptime,
        max(coalesce(vm_cpu_usage_total_seconds, 0e0)) as usage_cpu,
        max(coalesce(vm_cpu_request_core_seconds, 0e0)) as request_cpu,
        max(coalesce(vm_cpu_limit_core_seconds, 0e0)) as limit_cpu,
        max(coalesce(vm_memory_usage_byte_seconds, 0e0)) as usage_memory,
        max(coalesce(vm_memory_request_byte_seconds, 0e0)) as request_memory,
        max(coalesce(vm_memory_limit_byte_seconds, 0e0)) as limit_memory,
        sum(coalesce(vm_disk_allocated_size_byte_seconds, 0e0)) as disk_allocated,
        sum(
            coalesce(vm_cpu_usage_total_seconds, 0e0)
            + coalesce(vm_cpu_request_core_seconds, 0e0)
            + coalesce(vm_cpu_limit_core_seconds, 0e0)
        ) as sent_core_seconds,
        sum(
            coalesce(vm_memory_usage_byte_seconds, 0e0)
            + coalesce(vm_memory_request_byte_seconds, 0e0)
            + coalesce(vm_memory_limit_byte_seconds, 0e0)
            + coalesce(vm_disk_allocated_size_byte_seconds, 0e0)
        ) as sent_byte_seconds
    from live_vm_usage
    group by 1, 2, 3, 4, 5, 6, 7
),

-- Of the rows that an hour of a machine has, the one with the longest uptime stands for the hour.
placed as (
    select
        *,
        row_number() over (
            partition by namespace, vm_name, interval_start
            order by uptime desc, node, persistentvolumeclaim, sha256(to_utf8(vm_labels))
        ) as place
    from vm_hours
)

select
    cast(usage_day as varchar) as usage_day,
    namespace,
    node,
    vm_name,
    vm_labels as label_set_id,
    persistentvolumeclaim,
    max(resource_id) as resource_id,
    sum(row_count) as row_count,
    cast(max(interval_start) as varchar) || '+00' as last_hour,
    max_by(cores, interval_start) as last_request_cores,
    max_by(memory_bytes, interval_start) as last_request_memory,
    max_by(uptime, interval_start) as last_uptime,
    max(cores) as request_cores,
    coalesce(sum(uptime) filter (where place = 1), 0e0) as counted_uptime,
    sum(uptime) as uptime,
    sum(usage_cpu) as usage_cpu,
    sum(request_cpu) as request_cpu,
    sum(limit_cpu) as limit_cpu,
    sum(usage_memory) as usage_memory,
    sum(request_memory) as request_memory,
    sum(limit_memory) as limit_memory,
    sum(disk_allocated) as disk_allocated,
    sum(sent_core_seconds) as sent_core_seconds,
    sum(sent_byte_seconds) as sent_byte_seconds
from placed
group by usage_day, namespace, node, vm_name, vm_labels, persistentvolumeclaim
