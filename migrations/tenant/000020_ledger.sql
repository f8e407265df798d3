-- Up Migration
-- Ledgers of the pipeline: what arrived, what is loaded, what is summarised.

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

create table if not exists ocp_piece (
    piece_id bigint generated always as identity primary key,
    file_id bigint not null references ocp_file (file_id) on delete cascade,
    manifest_id integer not null references ocp_manifest (manifest_id) on delete cascade,
    source_uuid uuid not null,
    report_period_id integer not null,
    report_kind text not null,
    usage_day date not null,
    object_key text not null,
    byte_count bigint not null,
    row_count bigint not null,
    rejected_row_count bigint not null default 0,
    declared_hours integer not null default 0,
    hour_mask integer not null default 0,
    checksum text not null,
    state text not null default 'registered'
        check (state in ('registered', 'staged', 'swept', 'failed', 'abandoned')),
    staged_checksum text,
    staged_at timestamptz,
    generation text check (generation in ('live', 'superseded')),
    processed_at timestamptz,
    unique (file_id, usage_day)
);
create index if not exists ocp_piece_source_day on ocp_piece (source_uuid, usage_day, report_kind);
create index if not exists ocp_piece_manifest on ocp_piece (manifest_id);
comment on table ocp_piece is 'The piece ledger: one row per (file, UTC day); the unit of loading, replacing, sweeping and rehydrating.';
comment on column ocp_piece.piece_id is 'Key; staging rows carry it.';
comment on column ocp_piece.file_id is 'File the piece was split from.';
comment on column ocp_piece.manifest_id is 'Manifest of that file.';
comment on column ocp_piece.source_uuid is 'Provider.';
comment on column ocp_piece.report_period_id is 'Report period (month) of the day.';
comment on column ocp_piece.report_kind is 'Kind of report: pod_usage, storage_usage, node_labels, namespace_labels, vm_usage, gpu_usage.';
comment on column ocp_piece.usage_day is 'UTC day of interval_start of all its rows.';
comment on column ocp_piece.object_key is 'Daily CSV in the object store.';
comment on column ocp_piece.byte_count is 'Size of the daily CSV, bytes.';
comment on column ocp_piece.row_count is 'Rows in the daily CSV.';
comment on column ocp_piece.rejected_row_count is 'Rejected rows whose day could be told.';
comment on column ocp_piece.declared_hours is 'Hours of the day that the manifest says it covers; 0: not said.';
comment on column ocp_piece.hour_mask is 'Bit h is set when a row starts in UTC hour h.';
comment on column ocp_piece.checksum is 'SHA-256 of the daily CSV, hexadecimal; another checksum makes it a new piece of data.';
comment on column ocp_piece.state is 'registered, staged (rows are in staging), swept (rows dropped, object kept), failed, abandoned.';
comment on column ocp_piece.staged_checksum is 'Checksum of the rows that are in staging; NULL when none are.';
comment on column ocp_piece.staged_at is 'When it was last staged.';
comment on column ocp_piece.generation is 'live: the day''s summary is built from it; superseded: another manifest covers the day better. Recomputed by each aggregation.';
comment on column ocp_piece.processed_at is 'First time a summary was built from this checksum.';

create table if not exists ocp_label_set (
    label_set_id bigint generated always as identity primary key,
    labels_hash bytea not null unique,
    labels jsonb not null,
    enabled_labels jsonb not null,
    enabled_keys_hash text not null,
    last_used_at timestamptz not null default now()
);
comment on table ocp_label_set is 'Each distinct set of labels once; staging rows refer to it.';
comment on column ocp_label_set.label_set_id is 'Key.';
comment on column ocp_label_set.labels_hash is 'SHA-256 of the labels as JSON with sorted keys.';
comment on column ocp_label_set.labels is 'Labels as sent, all keys.';
comment on column ocp_label_set.enabled_labels is 'Labels reduced to the enabled keys that enabled_keys_hash stands for.';
comment on column ocp_label_set.enabled_keys_hash is 'Hash of the list of enabled keys that enabled_labels was filtered with.';
comment on column ocp_label_set.last_used_at is 'Last load that used the set (to the hour).';

create table if not exists ocp_day (
    source_uuid uuid not null,
    usage_day date not null,
    version bigint not null,
    pieces_hash text not null,
    settings_hash text not null,
    rules text not null,
    summarised_at timestamptz not null default now(),
    tags_version bigint,
    ui_version bigint,
    cost_version bigint,
    validated_version bigint,
    primary key (source_uuid, usage_day)
);
comment on table ocp_day is 'The day ledger: what the summary of a day was built from, and how far the later steps have followed.';
comment on column ocp_day.source_uuid is 'Provider.';
comment on column ocp_day.usage_day is 'UTC day.';
comment on column ocp_day.version is 'Raised by each rebuild of the day''s rows in the daily summary.';
comment on column ocp_day.pieces_hash is 'Hash of the live pieces'' kinds and checksums.';
comment on column ocp_day.settings_hash is 'Hash of rules profile, enabled keys, tag mappings, cost categories and cluster alias.';
comment on column ocp_day.rules is 'Rules profile of the rebuild: design or koku.';
comment on column ocp_day.summarised_at is 'Time of the last rebuild.';
comment on column ocp_day.tags_version is 'Version for which label summaries and tag mapping were done.';
comment on column ocp_day.ui_version is 'Version for which the UI tables were rebuilt.';
comment on column ocp_day.cost_version is 'Version for which the cost model was applied.';
comment on column ocp_day.validated_version is 'Version for which the day was validated.';

create table if not exists ocp_source_month (
    source_uuid uuid not null,
    billing_month date not null,
    rules text not null check (rules in ('design', 'koku')),
    recorded_at timestamptz not null default now(),
    primary key (source_uuid, billing_month)
);
comment on table ocp_source_month is 'Rules profile of a (source, month): the first summary decides it and payload runs keep it, so that one month is never mixed.';
comment on column ocp_source_month.source_uuid is 'Provider.';
comment on column ocp_source_month.billing_month is 'First day of the month.';
comment on column ocp_source_month.rules is 'design or koku.';
comment on column ocp_source_month.recorded_at is 'When it was decided.';
