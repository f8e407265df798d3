-- Up Migration
-- Settings per organisation.

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
