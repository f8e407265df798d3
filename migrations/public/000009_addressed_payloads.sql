-- Up Migration
-- When an address was announced, so that addresses whose runs have ended can be told from those whose run is about to start.

alter table payload_inbox add column if not exists addressed_at timestamptz not null default now();
comment on column payload_inbox.addressed_at is 'When the payload was last announced; its address is erased when no run of it goes on ten minutes later.';
comment on column payload_inbox.download_url is 'Address to download from; a secret, erased when the archive is recorded and at every other end of its run.';
create index if not exists payload_inbox_addressed_idx on payload_inbox (id) where download_url is not null;
