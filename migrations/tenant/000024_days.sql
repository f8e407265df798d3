-- Up Migration
-- What is summarised: the day ledger, and what is decided once for a source and month.

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
    ui_settings_hash text,
    cost_version bigint,
    validated_version bigint,
    primary key (source_uuid, usage_day)
);
comment on table ocp_day is 'The day ledger: what the summary of a day was built from, and how far the later steps have followed.';
comment on column ocp_day.source_uuid is 'Provider.';
comment on column ocp_day.usage_day is 'UTC day.';
comment on column ocp_day.version is 'Raised by each rebuild of the day''s rows in the daily summary.';
comment on column ocp_day.pieces_hash is 'Hash of the live pieces'' kinds, checksums and live hours; see ocp_pieces_hashes.';
comment on column ocp_day.settings_hash is 'Hash of rules profile, enabled keys, tag mappings, cost categories and cluster alias.';
comment on column ocp_day.rules is 'Rules profile of the rebuild: design or koku.';
comment on column ocp_day.summarised_at is 'Time of the last rebuild.';
comment on column ocp_day.tags_version is 'Version for which label summaries and tag mapping were done.';
comment on column ocp_day.ui_version is 'Version for which the UI tables were rebuilt.';
comment on column ocp_day.ui_settings_hash is 'Hash of the settings that the UI tables were rebuilt with, of those that belong to that step.';
comment on column ocp_day.cost_version is 'Version for which the cost model was applied.';
comment on column ocp_day.validated_version is 'Version for which the day was validated.';

create table if not exists ocp_source_month (
    source_uuid uuid not null,
    billing_month date not null,
    rules text not null check (rules in ('design', 'koku')),
    recorded_at timestamptz not null default now(),
    infrastructure text,
    infrastructure_provider_uuid uuid,
    infrastructure_checked_at timestamptz,
    primary key (source_uuid, billing_month)
);
comment on table ocp_source_month is 'Rules profile of a (source, month): the first summary decides it and payload runs keep it, so that one month is never mixed.';
comment on column ocp_source_month.source_uuid is 'Provider.';
comment on column ocp_source_month.billing_month is 'First day of the month.';
comment on column ocp_source_month.rules is 'design or koku.';
comment on column ocp_source_month.recorded_at is 'When it was decided.';
comment on column ocp_source_month.infrastructure is 'Type of the cloud provider that the cluster runs on in the month, for example AWS; none when no cloud bill of the tenant matches; NULL until checked.';
comment on column ocp_source_month.infrastructure_provider_uuid is 'That cloud provider; NULL when there is none.';
comment on column ocp_source_month.infrastructure_checked_at is 'When that was last looked for.';
