-- status/cost_by_project.sql
-- Purpose  costs of the days of a manifest by project, before and after shared costs are given to the projects, for
--          people
-- Reads    reporting_ocpusagelineitem_daily_summary, ocp_piece
-- Units    currency of the cost model
-- Params   $1 source_uuid uuid   $2 manifest_uuid uuid
select
    summary.namespace as project,
    coalesce(sum(summary.cost_model_cpu_cost), 0)::float8 as cpu,
    coalesce(sum(summary.cost_model_memory_cost), 0)::float8 as memory,
    coalesce(sum(summary.cost_model_volume_cost), 0)::float8 as volume,
    coalesce(sum(summary.cost_model_gpu_cost), 0)::float8 as gpu,
    coalesce(sum(summary.distributed_cost), 0)::float8 as distributed
from reporting_ocpusagelineitem_daily_summary as summary
where summary.source_uuid = $1
    and summary.cost_model_rate_type is not null
    and summary.usage_start in (
        select piece.usage_day
        from ocp_piece as piece
        join ocp_manifest as manifest using (manifest_id)
        where manifest.source_uuid = $1
            and manifest.manifest_uuid = $2
    )
group by summary.namespace
order by ocp_is_real_namespace(summary.namespace) desc, summary.namespace
