-- status/usage_by_project.sql
-- Purpose  usage of the days of a manifest by project, for people
-- Reads    reporting_ocpusagelineitem_daily_summary, ocp_piece
-- Units    core-hours, GiB-hours, GiB-months
-- Params   $1 source_uuid uuid   $2 manifest_uuid uuid
select
    summary.namespace as project,
    coalesce(sum(summary.pod_usage_cpu_core_hours), 0)::float8 as "cpuUsage",
    coalesce(sum(summary.pod_request_cpu_core_hours), 0)::float8 as "cpuRequest",
    coalesce(sum(summary.pod_effective_usage_cpu_core_hours), 0)::float8 as "cpuEffective",
    coalesce(sum(summary.pod_usage_memory_gigabyte_hours), 0)::float8 as "memoryUsage",
    coalesce(sum(summary.pod_effective_usage_memory_gigabyte_hours), 0)::float8 as "memoryEffective",
    coalesce(sum(summary.persistentvolumeclaim_usage_gigabyte_months), 0)::float8 as storage
from reporting_ocpusagelineitem_daily_summary as summary
where summary.source_uuid = $1
    and summary.cost_model_rate_type is null
    and summary.usage_start in (
        select piece.usage_day
        from ocp_piece as piece
        join ocp_manifest as manifest using (manifest_id)
        where manifest.source_uuid = $1
            and manifest.manifest_uuid = $2
    )
group by summary.namespace
order by ocp_is_real_namespace(summary.namespace) desc, summary.namespace
