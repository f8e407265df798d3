-- retention/expired_announcements.sql
-- Purpose  delete a batch of announcements that nobody waits for any more
-- Reads    public.payload_announcement
-- Writes   public.payload_announcement
-- Why      a sender waits for hours, a topic keeps its messages for days: a request id is not announced again later
-- Params   $1 days that an announcement is kept integer   $2 batch size integer
-- Rerun    finds nothing
delete from public.payload_announcement
where request_id in (
    select request_id
    from public.payload_announcement
    where announced_at < now() - make_interval(days => $1)
    limit $2
)
