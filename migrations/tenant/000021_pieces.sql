-- Up Migration
-- What is loaded: the piece ledger, and which hours of each piece count.

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
    processed_at timestamptz,
    live_hours integer check (live_hours between 0 and (1 << 24) - 1),
    generation text generated always as (
        case when live_hours = 0 then 'superseded' when live_hours > 0 then 'live' end
    ) stored,
    left_out_label_keys integer not null default 0,
    reduced_label_sets integer not null default 0,
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
comment on column ocp_piece.processed_at is 'First time a summary was built from this checksum.';
comment on column ocp_piece.live_hours is 'Bit h is set when the piece''s rows of UTC hour h count; 0: none do, another piece covers its hours better; NULL: not judged yet. Recomputed by each aggregation.';
comment on column ocp_piece.generation is 'live: at least one hour counts, see live_hours; superseded: none does; NULL: not judged yet.';
comment on column ocp_piece.left_out_label_keys is 'New label keys that its last load did not enter, because the manifest brought too many; they stay in the label sets.';
comment on column ocp_piece.reduced_label_sets is 'Label sets that its last load reduced to the keys that count, because the manifest brought too many; its numbers are whole.';
