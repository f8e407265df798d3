-- costs/delete_costs.sql
-- Purpose  take away all cost rows of days; usage rows and cloud cost stay
-- Writes   reporting_ocpusagelineitem_daily_summary
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    nothing is left to delete
delete from reporting_ocpusagelineitem_daily_summary
where source_uuid = $1
    and usage_start = any($2::date[])
    and cost_model_rate_type is not null
