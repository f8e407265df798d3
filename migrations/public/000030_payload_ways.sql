-- Up Migration
-- How a payload came in, and whether its run still has to be started: an upload is accepted while Temporal is away.
-- Rows of older programs, which start a run before they report success, never wait.

alter table payload_inbox add column if not exists way text
    check (way in ('command', 'upload', 'kafka', 'watch'));
alter table payload_inbox add column if not exists awaits_start_since timestamptz;
create index if not exists payload_inbox_awaits_start_idx on payload_inbox (awaits_start_since)
where awaits_start_since is not null;
create index if not exists payload_inbox_sha256_idx on payload_inbox (org_id, sha256);
comment on column payload_inbox.way is
'How it came in: command (ingest), upload (serve), kafka (listen) or watch; NULL before this was recorded.';
comment on column payload_inbox.awaits_start_since is
'Since when it waits for its run to be started; NULL once that has happened. Intake processes start what has waited for long.';
