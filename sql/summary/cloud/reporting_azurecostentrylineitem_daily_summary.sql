-- summary/cloud/reporting_azurecostentrylineitem_daily_summary.sql
-- Purpose  cloud providers of the tenant whose bill of a month names nodes of a cluster:
--          the 9th path segment of the resource id is the node's name
-- Reads    reporting_azurecostentrylineitem_daily_summary (Koku's), reporting_ocp_nodes, api_provider
-- Grain    cloud provider; nodeCount: nodes of the cluster that its bill names
-- Params   $1 source_uuid of the cluster uuid   $2 first day of the month date
with billed as (
    select distinct
        bill.source_uuid::text as source,
        split_part(resource.id, '/', 9) as resource
    from reporting_azurecostentrylineitem_daily_summary as bill
    cross join lateral unnest(bill.instance_ids) as resource (id)
    where bill.usage_start >= $2::date
        and bill.usage_start < ($2::date + interval '1 month')::date
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
