-- Up Migration
-- What checks after the summary found.

create table if not exists ocp_validation_warning (
    source_uuid uuid not null,
    usage_day date not null,
    version bigint not null,
    check_name text not null,
    expected double precision not null,
    found double precision not null,
    noted_at timestamptz not null default now(),
    primary key (source_uuid, usage_day, check_name),
    -- A day that the ledger forgets takes its warnings along.
    foreign key (source_uuid, usage_day) references ocp_day (source_uuid, usage_day) on delete cascade
);
comment on table ocp_validation_warning is 'One row per check that the summary of a (source, UTC day) did not pass when it was validated last; a day without rows is clean.';
comment on column ocp_validation_warning.source_uuid is 'Provider.';
comment on column ocp_validation_warning.usage_day is 'UTC day.';
comment on column ocp_validation_warning.version is 'Version of the day''s summary that was checked; a greater one in ocp_day is not validated yet.';
comment on column ocp_validation_warning.check_name is 'What was compared; the unit is in the name, names ending in _rows and storage_claims are counts.';
comment on column ocp_validation_warning.expected is 'Value computed from staging, or that an identity demands.';
comment on column ocp_validation_warning.found is 'Value in the daily summary.';
comment on column ocp_validation_warning.noted_at is 'When the day was validated.';
