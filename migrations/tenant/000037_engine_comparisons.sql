-- Up Migration
-- What the comparison of both engines found, for tenants in shadow (`tenant set ORG shadow=…`).

create table if not exists ocp_engine_comparison (
    source_uuid uuid not null,
    usage_day date not null,
    shadow text not null check (shadow in ('postgres', 'trino')),
    outcome text not null check (outcome in ('equal', 'different', 'failed')),
    different_row_count bigint not null,
    differences jsonb not null,
    problem text,
    compared_at timestamptz not null default now(),
    primary key (source_uuid, usage_day),
    -- A day that the ledger forgets takes its comparison along.
    foreign key (source_uuid, usage_day) references ocp_day (source_uuid, usage_day) on delete cascade
);
comment on table ocp_engine_comparison is 'The last comparison of the daily relations of a (source, UTC day) from both engines; a day without a row was never compared.';
comment on column ocp_engine_comparison.source_uuid is 'Provider.';
comment on column ocp_engine_comparison.usage_day is 'UTC day.';
comment on column ocp_engine_comparison.shadow is 'postgres or trino: the engine that computed the day beside the one of its month, and wrote nothing.';
comment on column ocp_engine_comparison.outcome is 'equal; different; or failed: the shadow could not compute the day.';
comment on column ocp_engine_comparison.different_row_count is 'Rows of all daily relations that only one engine has, or of which a value differs by more than a billionth.';
comment on column ocp_engine_comparison.differences is 'Per relation with differences: its name, their number, and the keys of the first.';
comment on column ocp_engine_comparison.problem is 'Why the comparison failed; NULL when it did not.';
comment on column ocp_engine_comparison.compared_at is 'When it was compared, or could not be.';
