-- functions/016_summarised_days.sql
-- Purpose  days of a source and month that have usage rows in the daily summary
-- Reads    reporting_ocpusagelineitem_daily_summary
-- Plans    skips through the index of source and day, one probe per day, instead of reading the month; the planner
--          knows no skip scan over such an expression, so the function leaves it no other plan
-- Rerun    repeatable definition

create or replace function ocp_summarised_days(p_source_uuid uuid, p_month date, p_with_cloud_cost boolean)
returns setof date
language sql stable rows 31
set search_path from current
set enable_bitmapscan = off
set enable_seqscan = off
set enable_sort = off
as $$
    with recursive summarised (usage_day) as (
        (
            select summary.usage_start
            from reporting_ocpusagelineitem_daily_summary as summary
            where summary.source_uuid = p_source_uuid
                and summary.usage_start >= p_month
                and summary.usage_start < (p_month + interval '1 month')::date
                and summary.cost_model_rate_type is null
                and (p_with_cloud_cost or ocp_is_usage_row(summary.cost_model_rate_type, summary.infrastructure_raw_cost))
            order by summary.usage_start
            limit 1
        )
        union all
        select (
            select summary.usage_start
            from reporting_ocpusagelineitem_daily_summary as summary
            where summary.source_uuid = p_source_uuid
                and summary.usage_start > summarised.usage_day
                and summary.usage_start >= p_month
                and summary.usage_start < (p_month + interval '1 month')::date
                and summary.cost_model_rate_type is null
                and (p_with_cloud_cost or ocp_is_usage_row(summary.cost_model_rate_type, summary.infrastructure_raw_cost))
            order by summary.usage_start
            limit 1
        )
        from summarised
        where summarised.usage_day is not null
    )
    select usage_day
    from summarised
    where usage_day is not null
$$;
comment on function ocp_summarised_days(uuid, date, boolean) is
'Days of a source and month (first day given) that have rows without rate type in the daily summary; true: also those with cloud cost only.';
