-- Up Migration
-- Intake of this program: archives that arrived, archives that were refused, settings per organisation.

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
    unique (org_id, request_id)
);
comment on table payload_inbox is 'One row per payload archive; workflows hold the id of the row, never the address.';
comment on column payload_inbox.id is 'Key; the input of the manifest workflow.';
comment on column payload_inbox.org_id is 'Organisation that the message or the upload named.';
comment on column payload_inbox.request_id is 'Ingress request id, or the SHA-256 of the archive for files; the same request is stored once per organisation.';
comment on column payload_inbox.source_kind is 'Where the archive came from: file (put into the object store on intake), url (to be downloaded), object (already in an object store).';
comment on column payload_inbox.download_url is 'Address to download from; a secret, erased in the transaction that records object_key.';
comment on column payload_inbox.object_key is 'Key of the archived payload in the object store; NULL until it is archived.';
comment on column payload_inbox.byte_count is 'Size of the archive, bytes (compressed).';
comment on column payload_inbox.sha256 is 'SHA-256 of the archive, hexadecimal.';
comment on column payload_inbox.manifest is 'The manifest as validated; NULL until the archive was scanned.';
comment on column payload_inbox.received_at is 'When the row was written.';
comment on column payload_inbox.archived_at is 'When the archive was completely in the object store.';

create table if not exists ingest_failure (
    id bigint generated always as identity primary key,
    org_id text not null,
    request_id text not null,
    error_type text not null,
    reason text not null,
    failed_at timestamptz not null default now()
);
create index if not exists ingest_failure_org_time_idx on ingest_failure (org_id, failed_at);
comment on table ingest_failure is 'One row per refusal of an archive: nothing else was written for it.';
comment on column ingest_failure.id is 'Key.';
comment on column ingest_failure.org_id is 'Organisation of the archive.';
comment on column ingest_failure.request_id is 'Request id of the archive, as in payload_inbox.';
comment on column ingest_failure.error_type is 'Kind of failure, for example ManifestInvalid.';
comment on column ingest_failure.reason is 'One sentence: what was expected, what was found, where.';
comment on column ingest_failure.failed_at is 'When it was refused.';

create table if not exists tenant_setting (
    org_id text not null,
    key text not null check (key in ('rules', 'engine')),
    value text not null,
    updated_at timestamptz not null default now(),
    primary key (org_id, key)
);
comment on table tenant_setting is 'Settings of one organisation that override those of the deployment.';
comment on column tenant_setting.org_id is 'Organisation.';
comment on column tenant_setting.key is 'rules (profile of effective usage and label merge) or engine.';
comment on column tenant_setting.value is 'rules: design or koku; engine: postgres or trino.';
comment on column tenant_setting.updated_at is 'Last change.';
