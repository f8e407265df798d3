-- tags/label_period.sql
-- Purpose  report period of a source and month, and whether another writer summarised days of it
-- Reads    reporting_ocpusagereportperiod, reporting_ocpusagelineitem_daily_summary, ocp_day
-- Plans    the days with usage rows are listed by skipping through the index of source and day
-- Params   $1 source_uuid uuid   $2 first day of the month date
with recursive summarised (usage_day) as (
    (
        select summary.usage_start
        from reporting_ocpusagelineitem_daily_summary as summary
        where summary.source_uuid = $1
            and summary.usage_start >= $2::date
            and summary.usage_start < ($2::date + interval '1 month')::date
            and summary.cost_model_rate_type is null
        order by summary.usage_start
        limit 1
    )
    union all
    select (
        select summary.usage_start
        from reporting_ocpusagelineitem_daily_summary as summary
        where summary.source_uuid = $1
            and summary.usage_start > summarised.usage_day
            and summary.usage_start < ($2::date + interval '1 month')::date
            and summary.cost_model_rate_type is null
        order by summary.usage_start
        limit 1
    )
    from summarised
    where summarised.usage_day is not null
)
select
    period.id as report_period_id,
    exists (
        select 1
        from summarised
        where summarised.usage_day is not null
            and not exists (
                select 1
                from ocp_day
                where ocp_day.source_uuid = $1
                    and ocp_day.usage_day = summarised.usage_day
            )
    ) as has_foreign_days
from reporting_ocpusagereportperiod as period
where period.provider_id = $1
    and period.report_period_start = $2::date::timestamp at time zone 'UTC'
