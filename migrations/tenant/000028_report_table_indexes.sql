-- Up Migration
-- Reports tables are rebuilt by source and day, and a day has the rows of every cluster. Where Koku made the table it
-- stays as Koku left it.

do $$
declare
    parent record;
begin
    for parent in
        select class.relname as table_name
        from pg_class as class
        where class.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and class.relkind = 'p'
            and class.relname like 'reporting\_ocp%\_p'
            and not exists (select from ocp_adopted_table as adopted where adopted.name = class.relname)
        order by class.relname
    loop
        execute format('create index if not exists %I on %I (source_uuid, usage_start)', parent.table_name || '_source_day_idx', parent.table_name);
    end loop;
end
$$;
