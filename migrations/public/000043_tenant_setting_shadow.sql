-- Up Migration
-- Another setting of a tenant: an engine that computes beside its own and is compared.
alter table tenant_setting
    drop constraint if exists tenant_setting_key_check,
    add constraint tenant_setting_key_check check (key in ('rules', 'engine', 'shadow'));
comment on column tenant_setting.key is 'rules (profile of effective usage and label merge), engine, or shadow (engine that is compared with it).';
comment on column tenant_setting.value is 'rules: design or koku; engine and shadow: postgres or trino.';
