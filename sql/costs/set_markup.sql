-- costs/set_markup.sql
-- Purpose  markup on the cloud cost of days, before distribution, whose pools include it
-- Formula  raw cost (absent: 0) · percent / 100; no markup in the cost model, or no cost model: NULL
-- Reads    cost_model (ocp_cost_settings)
-- Writes   reporting_ocpusagelineitem_daily_summary: infrastructure_markup_cost, infrastructure_project_markup_cost of rows
--          without rate type; rows that have the right values already are left alone
-- Domain   §8.6
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    changes nothing
with marked as materialized (
    select
        summary.usage_start,
        summary.uuid,
        (coalesce(summary.infrastructure_raw_cost, 0) * setting.markup)::numeric(33, 15) as markup_cost,
        (coalesce(summary.infrastructure_project_raw_cost, 0) * setting.markup)::numeric(33, 15) as project_markup_cost
    from reporting_ocpusagelineitem_daily_summary as summary
    cross join ocp_cost_settings($1) as setting
    where summary.source_uuid = $1
        and summary.usage_start = any($2::date[])
        and summary.cost_model_rate_type is null
)
update reporting_ocpusagelineitem_daily_summary as summary
set infrastructure_markup_cost = marked.markup_cost,
    infrastructure_project_markup_cost = marked.project_markup_cost
from marked
where summary.usage_start = any($2::date[])
    and summary.usage_start = marked.usage_start
    and summary.uuid = marked.uuid
    and (
        summary.infrastructure_markup_cost is distinct from marked.markup_cost
        or summary.infrastructure_project_markup_cost is distinct from marked.project_markup_cost
    )
