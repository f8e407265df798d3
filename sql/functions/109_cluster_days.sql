-- functions/109_cluster_days.sql
-- Purpose  what every cost row of a day has besides its key: report period, cluster id and alias
-- Reads    daily summary: rows without rate type; for a day without any reporting_ocpusagereportperiod
-- Rerun    repeatable definition

create or replace function ocp_cluster_days(p_source_uuid uuid, p_days date[])
returns table (usage_start date, report_period_id integer, cluster_id text, cluster_alias text)
language sql stable rows 31
set search_path from current
as $$
    with summarised as (
        select
            usage_start,
            max(report_period_id) as report_period_id,
            max(cluster_id collate "C") as cluster_id,
            max(cluster_alias collate "C") as cluster_alias
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and cost_model_rate_type is null
        group by usage_start
    )
    select
        day.usage_start,
        coalesce(summarised.report_period_id, period.id),
        coalesce(summarised.cluster_id, period.cluster_id),
        coalesce(summarised.cluster_alias, period.cluster_alias)
    from unnest(p_days) as day (usage_start)
    left join summarised on summarised.usage_start = day.usage_start
    left join lateral (
        select
            id,
            reporting_ocpusagereportperiod.cluster_id,
            reporting_ocpusagereportperiod.cluster_alias
        from reporting_ocpusagereportperiod
        where provider_id = p_source_uuid
            and (report_period_start at time zone 'UTC')::date = date_trunc('month', day.usage_start::timestamp)::date
        order by id desc
        limit 1
    ) as period on true
$$;
comment on function ocp_cluster_days(uuid, date[]) is
'Report period and cluster of each of these days, as the day''s usage rows name them.';
