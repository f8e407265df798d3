-- summary/cloud/present_infrastructure.sql
-- Purpose  the cloud provider that a cluster is linked to
-- Reads    api_provider, api_providerinfrastructuremap
-- Grain    one row, or none if the cluster is not linked
-- Params   $1 source_uuid uuid
select
    pairing.infrastructure_provider_id as "providerUuid",
    pairing.infrastructure_type as type
from public.api_provider as cluster
join public.api_providerinfrastructuremap as pairing on pairing.id = cluster.infrastructure_id
where cluster.uuid = $1
