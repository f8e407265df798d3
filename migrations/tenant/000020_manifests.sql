-- Up Migration
-- What arrived: manifests, and the files that they list.

create table if not exists ocp_manifest (
    manifest_id integer primary key,
    source_uuid uuid not null,
    manifest_uuid uuid not null,
    manifest_date timestamptz not null,
    daily_reports boolean not null,
    hours_per_day jsonb not null default '{}',
    release text check (release in ('complete', 'timeout')),
    released_at timestamptz,
    registered_at timestamptz not null default now(),
    new_label_keys integer not null default 0,
    new_label_sets integer not null default 0,
    unique (source_uuid, manifest_uuid)
);
comment on table ocp_manifest is 'One row per manifest (payload set) of a source; a manifest may arrive in several archives.';
comment on column ocp_manifest.manifest_id is 'Id of the row in public.reporting_common_costusagereportmanifest.';
comment on column ocp_manifest.source_uuid is 'Provider the manifest belongs to.';
comment on column ocp_manifest.manifest_uuid is 'UUID that the operator gave the payload set; the same in all of its archives.';
comment on column ocp_manifest.manifest_date is 'Creation time stated by the manifest, UTC; among generations with equal hours the later one wins.';
comment on column ocp_manifest.daily_reports is 'True: files hold each day from 00:00 on, so newer data replaces older. False: payloads add.';
comment on column ocp_manifest.hours_per_day is 'Hours the manifest says it covers, by UTC day.';
comment on column ocp_manifest.release is 'How the manifest was released for aggregation: complete, or timeout when files never came; NULL while waiting.';
comment on column ocp_manifest.released_at is 'When it was released.';
comment on column ocp_manifest.registered_at is 'When its first archive was registered.';
comment on column ocp_manifest.new_label_keys is 'Label keys that nobody had seen before and that its loads entered as disabled; MAX_NEW_LABEL_KEYS at most.';
comment on column ocp_manifest.new_label_sets is 'Label sets that its loads stored; beyond MAX_NEW_LABEL_SETS a set is reduced to the keys that count.';

create table if not exists ocp_file (
    file_id bigint generated always as identity primary key,
    manifest_id integer not null references ocp_manifest (manifest_id) on delete cascade,
    file_index integer not null,
    file_name text not null,
    report_kind text,
    state text not null default 'awaited'
        check (state in ('awaited', 'split', 'empty', 'unknown_kind', 'failed', 'skipped')),
    row_count bigint not null default 0,
    rejected_row_count bigint not null default 0,
    rejects_key text,
    message text,
    request_id text,
    updated_at timestamptz not null default now(),
    left_out_counts jsonb not null default '{}',
    left_out_key text,
    warnings text[] not null default '{}',
    expired_row_count bigint not null default 0,
    unique (manifest_id, file_index),
    unique (manifest_id, file_name)
);
comment on table ocp_file is 'One row per usage file that a manifest lists.';
comment on column ocp_file.file_id is 'Key.';
comment on column ocp_file.manifest_id is 'Manifest that lists the file.';
comment on column ocp_file.file_index is 'Position in the manifest''s list of files, from 0; part of the daily CSV keys.';
comment on column ocp_file.file_name is 'Name as listed.';
comment on column ocp_file.report_kind is 'Kind found by the columns of the header; NULL while awaited and for files of no known kind.';
comment on column ocp_file.state is 'awaited (not arrived), split (pieces registered), empty, unknown_kind, failed (too many bad rows), skipped (by an operator).';
comment on column ocp_file.row_count is 'Rows accepted.';
comment on column ocp_file.rejected_row_count is 'Rows rejected; more than 0 marks the file as having errors.';
comment on column ocp_file.rejects_key is 'Object that lists the rejected rows with their reasons.';
comment on column ocp_file.message is 'Why the file is empty of use or failed.';
comment on column ocp_file.request_id is 'Request whose archive brought the file last; its run loads the pieces.';
comment on column ocp_file.updated_at is 'Last change of this row.';
comment on column ocp_file.left_out_counts is 'Values left out of rows that were kept, as {column: count}: numbers printed as absent, pieces of labels with several colons, labels that are JSON.';
comment on column ocp_file.left_out_key is 'Object that lists the first 1,000 of them with line and column; NULL when none were left out.';
comment on column ocp_file.warnings is 'Sentences about what is suspicious in rows that were kept, and about columns that the header has twice.';
comment on column ocp_file.expired_row_count is 'Rows left out because their month is no longer kept: neither accepted nor rejected.';
