-- summary/cloud/aws_line_items_daily.sql
-- Purpose  cloud providers of the tenant whose bill of a month contains nodes of a cluster, by the billed resource id
-- Reads    aws_line_items_daily (Koku's); functions/084_bill_providers.sql
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
    found.provider_uuid as "providerUuid",
    found.provider_type as type,
    found.node_count as "nodeCount"
from (select array_agg(source) as sources, array_agg(resource) as resources from billed) as bill
cross join lateral ocp_bill_providers($1, 'AWS', bill.sources, bill.resources) as found
