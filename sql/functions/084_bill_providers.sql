-- functions/084_bill_providers.sql
-- Purpose  cloud providers of the tenant whose bill contains nodes of a cluster
-- Reads    reporting_ocp_nodes, reporting_ocp_clusters, public.api_provider, public.api_customer
-- Grain    cloud provider; node_count: nodes of the cluster that its bill names
-- Params   cluster; cloud, as providers are registered (AWS, Azure, GCP; those that end in -local too); what was
--          billed, as arrays of the same length: the bill's provider, the billed resource
-- Rules    AWS: the resource id contains the node's instance id; Azure: the machine's name is the node's name;
--          GCP: the resource's name contains the node's name
-- Rerun    repeatable definition

create or replace function ocp_bill_providers(p_source_uuid uuid, p_cloud text, p_bill_sources text[], p_resources text[])
returns table (provider_uuid uuid, provider_type text, node_count integer)
language sql stable
set search_path from current
as $$
    select
        provider.uuid,
        provider.type::text,
        count(distinct node.node)::integer
    from unnest(p_bill_sources, p_resources) as billed (source, resource)
    join public.api_provider as provider
        on provider.uuid::text = billed.source
        and provider.type in (p_cloud, p_cloud || '-local')
    join public.api_customer as customer
        on customer.id = provider.customer_id
        and customer.schema_name = current_schema()
    join reporting_ocp_nodes as node
        on case p_cloud
            when 'AWS' then node.resource_id <> '' and strpos(billed.resource, node.resource_id) > 0
            when 'Azure' then node.node <> '' and node.node = billed.resource
            else node.node <> '' and strpos(billed.resource, node.node) > 0
        end
    join reporting_ocp_clusters as cluster
        on cluster.uuid = node.cluster_id
        and cluster.provider_id = p_source_uuid
    group by provider.uuid, provider.type
$$;
comment on function ocp_bill_providers(uuid, text, text[], text[]) is
'Cloud providers whose billed resources name nodes of a cluster, with the number of those nodes.';
