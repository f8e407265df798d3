-- summary/cloud/pair_infrastructure.sql
-- Purpose  link a cluster to the cloud provider it runs on
-- Writes   api_providerinfrastructuremap: one row per cloud provider, shared by its clusters; api_provider
-- Params   $1 source_uuid uuid   $2 cloud provider uuid   $3 type of the cloud provider text
-- Locks    the caller holds the lock of the cloud provider, so that two clusters do not both add its row
-- Rerun    a linked cluster stays as it is
with known as (
    select min(id) as id
    from public.api_providerinfrastructuremap
    where infrastructure_provider_id = $2::uuid
        and infrastructure_type = $3::text
    having count(*) > 0
),
added as (
    insert into public.api_providerinfrastructuremap (infrastructure_type, infrastructure_provider_id)
    select $3::text, $2::uuid
    where not exists (select 1 from known)
    returning id
)
update public.api_provider
set infrastructure_id = (
    select id
    from known
    union all
    select id
    from added
)
where uuid = $1
    and infrastructure_id is null
