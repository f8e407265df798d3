-- summary/report-tables/cost_breakdown.sql
-- Purpose  reporting_ocp_cost_breakdown_p: emptied; only the rates-to-usage variant of the cost model fills it
-- Writes   reporting_ocp_cost_breakdown_p   grain: day × cluster × path
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    nothing left to delete
delete from reporting_ocp_cost_breakdown_p
where source_uuid = $1
    and usage_start = any($2::date[])
