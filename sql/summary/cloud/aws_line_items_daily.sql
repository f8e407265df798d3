-- summary/cloud/aws_line_items_daily.sql
-- Purpose  cloud providers of the tenant whose bill of a month names nodes of a cluster:
--          the billed resource id contains the node's instance id
-- Reads    aws_line_items_daily (Koku's), reporting_ocp_nodes, api_provider
-- Grain    cloud provider; nodeCount: nodes of the cluster that its bill names
-- Params   $1 source_uuid of the cluster uuid   $2 first day of the month date
with billed as (
    select distinct
        bill.source as source,
        bill.lineitem_resourceid as resource
    from aws_line_items_daily as bill
    where bill.lineitem_usagestartdate >= $2::date
        and bill.lineitem_usagestartdate < ($2::date + interval '1 month')::date
)
select
    provider.uuid as "providerUuid",
    provider.type,
    count(distinct node.node)::integer as "nodeCount"
from billed
join public.api_provider as provider
    on provider.uuid::text = billed.source
    and provider.type in ('AWS', 'AWS-local')
join public.api_customer as customer
    on customer.id = provider.customer_id
    and customer.schema_name = current_schema()
join reporting_ocp_nodes as node
    on node.resource_id <> ''
    and strpos(billed.resource, node.resource_id) > 0
join reporting_ocp_clusters as cluster
    on cluster.uuid = node.cluster_id
    and cluster.provider_id = $1
group by provider.uuid, provider.type
