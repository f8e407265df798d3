-- summary/tags/label_period.sql
-- Purpose  report period of a source and month, whether another writer summarised days of it, and whether the tenant
--          maps tags at all
-- Reads    reporting_ocpusagereportperiod, reporting_tagmapping, reporting_ocpusagelineitem_daily_summary, ocp_day
-- Params   $1 source_uuid uuid   $2 first day of the month date
select
    period.id as report_period_id,
    exists (
        select 1
        from ocp_summarised_days($1, $2, true) as summarised (usage_day)
        where not exists (
            select 1
            from ocp_day
            where ocp_day.source_uuid = $1
                and ocp_day.usage_day = summarised.usage_day
        )
    ) as has_foreign_days,
    exists (select 1 from reporting_tagmapping) as has_mapping
from reporting_ocpusagereportperiod as period
where period.provider_id = $1
    and period.report_period_start = $2::date::timestamp at time zone 'UTC'
