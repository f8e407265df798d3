-- focus/sources.sql
-- Purpose  clusters that have costs or usage in a month, and what their costs are based on
-- Reads    reporting_ocpusagereportperiod, ocp_cost_settings, cost_model, price_list, ocp_source_month,
--          public.api_provider, public.api_providerinfrastructuremap; the daily summary for the days
-- Grain    source
-- Params   $1 first day of the month date   $2 cluster id text, NULL for all
-- Rerun    same rows, same result
select
    period.provider_id as source_uuid,
    period.cluster_id,
    nullif(btrim(period.cluster_alias), '') as cluster_alias,
    coalesce(model.currency, 'USD') as currency,
    setting.cost_model_id is not null as has_model,
    list.name as price_list,
    coalesce(nullif(month.infrastructure, 'none'), cloud.infrastructure_type) as infrastructure,
    -- Days of another writer have no ledger: there the times are all that tells.
    coalesce(list.updated_timestamp > period.derived_cost_datetime, false) as list_is_newer,
    greatest(month.costs_applied_at, period.derived_cost_datetime) as costs_at,
    -- Also those with cost rows alone: GPUs that nobody held.
    array(
        select to_char(days.usage_day, 'YYYY-MM-DD')
        from generate_series($1::date::timestamp, $1::date + interval '1 month' - interval '1 day', interval '1 day')
            as days (usage_day)
        where exists (
            select
            from reporting_ocpusagelineitem_daily_summary as summary
            where summary.source_uuid = period.provider_id
                and summary.usage_start = days.usage_day::date
        )
        order by days.usage_day
    ) as summarised_days
from (
    select distinct on (provider_id)
        provider_id,
        cluster_id,
        cluster_alias,
        derived_cost_datetime
    from reporting_ocpusagereportperiod
    where report_period_start = $1::date::timestamp at time zone 'UTC'
        and ($2::text is null or cluster_id = $2::text)
    order by provider_id, id desc
) as period
cross join lateral ocp_cost_settings(period.provider_id) as setting
left join cost_model as model on model.uuid = setting.cost_model_id
left join price_list as list on list.uuid = ocp_effective_price_list(period.provider_id, $1::date)
left join ocp_source_month as month
    on month.source_uuid = period.provider_id
    and month.billing_month = $1::date
left join public.api_provider as provider on provider.uuid = period.provider_id
left join public.api_providerinfrastructuremap as cloud on cloud.id = provider.infrastructure_id
order by
    period.cluster_id collate "C",
    period.provider_id
