-- tags/label_period.sql
-- Purpose  report period of a source and month, and whether another writer summarised days of it
-- Reads    reporting_ocpusagereportperiod, reporting_ocpusagelineitem_daily_summary, ocp_day
-- Params   $1 source_uuid uuid   $2 first day of the month date
select
    period.id as report_period_id,
    exists (
        select 1
        from generate_series(
            $2::date::timestamp, $2::date + interval '1 month' - interval '1 day', interval '1 day'
        ) as listed (day_start)
        -- One look into the index per day, not a scan of the month.
        cross join lateral (
            select 1
            from reporting_ocpusagelineitem_daily_summary as summary
            where summary.source_uuid = $1
                and summary.usage_start = listed.day_start::date
                and summary.cost_model_rate_type is null
            limit 1
        ) as usage
        where not exists (
            select 1
            from ocp_day
            where ocp_day.source_uuid = $1
                and ocp_day.usage_day = listed.day_start::date
        )
    ) as has_foreign_days
from reporting_ocpusagereportperiod as period
where period.provider_id = $1
    and period.report_period_start = $2::date::timestamp at time zone 'UTC'
