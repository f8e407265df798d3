-- costs/ambiguous_sources.sql
-- Purpose  sources that have more than one cost model, which nothing we do makes: they are not priced
-- Reads    cost_model_map, cost_model, public.api_provider
-- Grain    source
select
    coalesce(authentication.credentials ->> 'cluster_id', mapped.provider_uuid::text) as "clusterId",
    array_agg(model.name::text order by model.name collate "C") as models
from cost_model_map as mapped
join cost_model as model on model.uuid = mapped.cost_model_id
join public.api_provider as provider on provider.uuid = mapped.provider_uuid
left join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
where provider.type = 'OCP'
group by 1, mapped.provider_uuid
having count(distinct mapped.cost_model_id) > 1
order by 1
