-- Up Migration
-- Archives that arrived. Addresses whose runs have ended are told from those whose run is about to start by the time
-- they were announced.

create table if not exists payload_inbox (
    id uuid primary key default gen_random_uuid(),
    org_id text not null,
    request_id text not null,
    source_kind text not null check (source_kind in ('file', 'url', 'object')),
    download_url text,
    object_key text,
    byte_count bigint,
    sha256 text,
    manifest jsonb,
    received_at timestamptz not null default now(),
    archived_at timestamptz,
    addressed_at timestamptz not null default now(),
    unique (org_id, request_id)
);
create index if not exists payload_inbox_addressed_idx on payload_inbox (id) where download_url is not null;
comment on table payload_inbox is 'One row per payload archive; workflows hold the id of the row, never the address.';
comment on column payload_inbox.id is 'Key; the input of the manifest workflow.';
comment on column payload_inbox.org_id is 'Organisation that the message or the upload named.';
comment on column payload_inbox.request_id is 'Ingress request id, or the SHA-256 of the archive for files; the same request is stored once per organisation.';
comment on column payload_inbox.source_kind is 'Where the archive came from: file (put into the object store on intake), url (to be downloaded), object (already in an object store).';
comment on column payload_inbox.download_url is 'Address to download from; a secret, erased when the archive is recorded and at every other end of its run.';
comment on column payload_inbox.object_key is 'Key of the archived payload in the object store; NULL until it is archived.';
comment on column payload_inbox.byte_count is 'Size of the archive, bytes (compressed).';
comment on column payload_inbox.sha256 is 'SHA-256 of the archive, hexadecimal.';
comment on column payload_inbox.manifest is 'The manifest as validated; NULL until the archive was scanned.';
comment on column payload_inbox.received_at is 'When the row was written.';
comment on column payload_inbox.archived_at is 'When the archive was completely in the object store.';
comment on column payload_inbox.addressed_at is 'When the payload was last announced; its address is erased when no run of it goes on ten minutes later.';
