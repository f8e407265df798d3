-- intake/match_source.sql
-- Purpose  the registered source of a cluster of an organisation
-- Reads    public provider tables
-- Why      the whole credentials document must be equal, so that a cluster id inside another document never matches
-- Params   $1 org_id text   $2 cluster_id text
select
    provider.uuid as source_uuid,
    provider.name as cluster_alias,
    customer.schema_name
from public.api_provider as provider
join public.api_providerauthentication as authentication on authentication.id = provider.authentication_id
join public.api_customer as customer on customer.id = provider.customer_id
where provider.type = 'OCP'
    and customer.org_id = $1
    and authentication.credentials = jsonb_build_object('cluster_id', $2::text)
order by provider.active desc, provider.created_timestamp, provider.uuid
limit 1
