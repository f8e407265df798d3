-- api/failed_payloads.sql
-- Purpose  payloads of an organisation that failed and that nobody has replayed
-- Reads    public.ingest_failure, public.payload_inbox
-- Writes   nothing
-- Units    none
-- Params   $1 organisation text   $2 clusters of the access list text[], NULL for all
-- Rerun    same rows, same result
select
    failure.request_id,
    failure.error_type,
    failure.reason,
    failure.failed_at,
    inbox.manifest ->> 'clusterId' as cluster
from public.ingest_failure as failure
left join public.payload_inbox as inbox on inbox.org_id = failure.org_id and inbox.request_id = failure.request_id
where failure.org_id = $1::text
    and failure.resolved_at is null
    and ($2::text[] is null or inbox.manifest ->> 'clusterId' = any($2::text[]))
order by failure.failed_at desc
limit 100
