-- retention/expired_payloads.sql
-- Purpose  payload archives of an organisation that were received before the archive's first day kept
-- Reads    public.payload_inbox
-- Why      the time of receipt decides: an archive never contains newer data
-- Params   $1 org_id text   $2 first day kept date   $3 batch size integer
select
    id,
    object_key
from public.payload_inbox
where org_id = $1
    and received_at < $2::date::timestamp at time zone 'UTC'
order by
    received_at,
    id
limit $3
