-- Up Migration
-- Failures that somebody still has to look at: failed payloads that nobody has replayed, and the last end of each cleanup.

create table if not exists ingest_failure (
    id bigint generated always as identity primary key,
    org_id text not null,
    request_id text not null,
    error_type text not null,
    reason text not null,
    failed_at timestamptz not null default now(),
    resolved_at timestamptz,
    resolution text
        check (resolution in ('completed', 'ignored', 'abandoned', 'dismissed', 'unknown'))
);
create index if not exists ingest_failure_org_time_idx on ingest_failure (org_id, failed_at);
create index if not exists ingest_failure_open_idx on ingest_failure (org_id, request_id, id)
where resolved_at is null;
comment on table ingest_failure is 'One row per run of a payload that failed, with what became of it afterwards.';
comment on column ingest_failure.id is 'Key.';
comment on column ingest_failure.org_id is 'Organisation of the archive.';
comment on column ingest_failure.request_id is 'Request id of the archive, as in payload_inbox.';
comment on column ingest_failure.error_type is 'Kind of failure, for example ManifestInvalid.';
comment on column ingest_failure.reason is 'One sentence: what was expected, what was found, where.';
comment on column ingest_failure.failed_at is 'When the run failed.';
comment on column ingest_failure.resolved_at is 'When nothing was left to do about it; NULL while nobody has replayed the payload.';
comment on column ingest_failure.resolution is
'completed or ignored: how a later run of the payload ended; abandoned: an operator gave it up; dismissed: an operator said that it will not be replayed; unknown: it failed before this was kept.';

create table if not exists cleanup_run (
    workflow text primary key,
    ended_at timestamptz not null,
    tenant_count integer not null,
    failed_tenant_count integer not null,
    reason text
);
comment on table cleanup_run is 'How the last run of each workflow that works on every tenant ended.';
comment on column cleanup_run.workflow is 'sweepStaging, purgeExpired or watchSettings.';
comment on column cleanup_run.ended_at is 'When it ended.';
comment on column cleanup_run.tenant_count is 'Tenants that it worked on.';
comment on column cleanup_run.failed_tenant_count is 'Tenants of which the work failed; they are done by the next run that succeeds.';
comment on column cleanup_run.reason is 'Organisation that failed first, and why; NULL when none failed.';
