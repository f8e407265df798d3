-- Up Migration
-- Days that another writer (Koku) summarised before this pipeline took over are refused until an operator adopts them.

create table if not exists ocp_adoption (
    source_uuid uuid primary key,
    from_day date not null,
    adopted_at timestamptz not null default now()
);
comment on table ocp_adoption is 'One row per source whose days another writer had summarised and an operator handed over.';
comment on column ocp_adoption.source_uuid is 'Provider.';
comment on column ocp_adoption.from_day is 'First UTC day that may be replaced.';
comment on column ocp_adoption.adopted_at is 'When the operator said so.';
