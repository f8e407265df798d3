-- summary/cloud/reporting_azurecostentrylineitem_daily_summary.sql
-- Purpose  cloud providers of the tenant whose bill of a month contains nodes of a cluster, by the 9th path segment of
--          the instance ids, which is the machine's name
-- Reads    reporting_azurecostentrylineitem_daily_summary (Koku's); functions/084_bill_providers.sql
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
    found.provider_uuid as "providerUuid",
    found.provider_type as type,
    found.node_count as "nodeCount"
from (select array_agg(source) as sources, array_agg(resource) as resources from billed) as bill
cross join lateral ocp_bill_providers($1, 'Azure', bill.sources, bill.resources) as found
