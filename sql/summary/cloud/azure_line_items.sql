-- summary/cloud/azure_line_items.sql
-- Purpose  cloud providers of the tenant whose bill of a month names nodes of a cluster:
--          the 9th path segment of the resource id is the node's name
-- Reads    azure_line_items (Koku's), reporting_ocp_nodes, api_provider
-- Grain    cloud provider; nodeCount: nodes of the cluster that its bill names
-- Params   $1 source_uuid of the cluster uuid   $2 first day of the month date
with billed as (
    select distinct
        bill.source as source,
        split_part(bill.resourceid, '/', 9) as resource
    from azure_line_items as bill
    where bill.date >= $2::date
        and bill.date < ($2::date + interval '1 month')::date
)
select
    provider.uuid as "providerUuid",
    provider.type,
    count(distinct node.node)::integer as "nodeCount"
from billed
join public.api_provider as provider
    on provider.uuid::text = billed.source
    and provider.type in ('Azure', 'Azure-local')
join public.api_customer as customer
    on customer.id = provider.customer_id
    and customer.schema_name = current_schema()
join reporting_ocp_nodes as node
    on node.node <> ''
    and node.node = billed.resource
join reporting_ocp_clusters as cluster
    on cluster.uuid = node.cluster_id
    and cluster.provider_id = $1
group by provider.uuid, provider.type
