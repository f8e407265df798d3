-- Up Migration
-- Remember which tables the schema held before this program first touched it. They belong to Koku:
-- later migrations neither alter them nor comment on them, and `create table if not exists` passes them by.

create table if not exists ocp_adopted_table (
    name text primary key
);
comment on table ocp_adopted_table is 'Tables that were in this schema before our first migration; they belong to Koku, and no migration alters them.';
comment on column ocp_adopted_table.name is 'Table name, without the schema.';

insert into ocp_adopted_table (name)
select c.relname
from pg_class c
where c.relnamespace = (select oid from pg_namespace where nspname = current_schema())
    and c.relkind in ('r', 'p')
    and not c.relispartition
    and c.relname not in ('ocp_adopted_table', 'ocp_migration', 'ocp_repeatable_definition')
on conflict (name) do nothing;
