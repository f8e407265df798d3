-- costs/cost_months.sql
-- Purpose  what the costs of each source and month of a tenant are based on, since when, and what they wait for
-- Reads    ocp_day, ocp_source_month, cost_model, cost_model_map, price_list, public.api_provider; the daily summary
--          where free GPUs wait for days of another writer
-- Grain    source × month of which we have a day, newest month first
-- Params   $1 today date   $2 maximum number of rows integer
with months as (
    select
        day.source_uuid,
        date_trunc('month', day.usage_day::timestamp)::date as month,
        count(*) as day_count,
        count(*) filter (where day.cost_version is distinct from day.version) as unpriced_count,
        min(day.cost_settings_hash collate "C") as costs_hash
    from ocp_day as day
    group by 1, 2
    order by 2 desc, 1
    limit $2
)
select
    months.source_uuid::text as "sourceUuid",
    coalesce(authentication.credentials ->> 'cluster_id', months.source_uuid::text) as "clusterId",
    to_char(months.month, 'YYYY-MM') as month,
    known.engine,
    known.cost_model_id::text as "modelUuid",
    model.name as "modelName",
    list.name as "priceList",
    known.price_list_version as "priceListVersion",
    known.costs_since as since,
    known.costs_applied_at as "appliedAt",
    months.day_count::integer as "dayCount",
    months.unpriced_count::integer as "unpricedDayCount",
    months.costs_hash is distinct from ocp_cost_settings_hash(months.source_uuid, months.month, $1::date) as "hasChanged",
    array(
        select other.name
        from cost_model_map as mapped
        join cost_model as other on other.uuid = mapped.cost_model_id
        where mapped.provider_uuid = months.source_uuid
        order by other.name collate "C"
    ) as "models",
    gpu.state as "freeGpus",
    case
        when gpu.state = 'days' then array(
            select to_char(usage_day, 'YYYY-MM-DD')
            from ocp_summarised_days(months.source_uuid, months.month, false) as summarised (usage_day)
            where not exists (
                select
                from ocp_day
                where ocp_day.source_uuid = months.source_uuid
                    and ocp_day.usage_day = summarised.usage_day
            )
            order by usage_day
        )
        else '{}'
    end as "foreignDays"
from months
join public.api_provider as provider on provider.uuid = months.source_uuid
left join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
left join ocp_source_month as known
    on known.source_uuid = months.source_uuid
    and known.billing_month = months.month
left join cost_model as model on model.uuid = known.cost_model_id
left join price_list as list on list.uuid = known.price_list_id
cross join lateral ocp_gpu_distribution(months.source_uuid, months.month, $1::date) as gpu (state)
order by months.month desc, 2
