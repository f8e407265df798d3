-- costs/set_markup.sql
-- Purpose  markup on the cloud cost of days, before distribution, whose pools include it
-- Formula  raw cost (absent: 0) · percent / 100; no markup in the cost model, or no cost model: NULL
-- Reads    cost_model (ocp_cost_settings)
-- Writes   reporting_ocpusagelineitem_daily_summary: infrastructure_markup_cost, infrastructure_project_markup_cost of
--          rows without rate type; rows that have the right values already are left alone
-- Domain   §8.6
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    changes nothing
-- One scan, not a join of the rows with themselves: of rows that were just written the planner expects a few, and would
-- compare each with all others of its day.
update reporting_ocpusagelineitem_daily_summary as summary
set infrastructure_markup_cost = coalesce(summary.infrastructure_raw_cost, 0) * setting.markup,
    infrastructure_project_markup_cost = coalesce(summary.infrastructure_project_raw_cost, 0) * setting.markup
from ocp_cost_settings($1) as setting
where summary.source_uuid = $1
    and summary.usage_start = any($2::date[])
    and summary.cost_model_rate_type is null
    and (
        summary.infrastructure_markup_cost
        is distinct from (coalesce(summary.infrastructure_raw_cost, 0) * setting.markup)::numeric(33, 15)
        or summary.infrastructure_project_markup_cost
        is distinct from (coalesce(summary.infrastructure_project_raw_cost, 0) * setting.markup)::numeric(33, 15)
    )
