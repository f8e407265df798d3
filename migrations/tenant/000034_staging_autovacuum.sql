-- Up Migration
-- Staging partitions that exist get the autovacuum settings that new ones are created with (platform/partitions.ts).

do $$
declare
    part record;
begin
    for part in
        select class.relname as table_name
        from pg_inherits as link
        join pg_class as parent on parent.oid = link.inhparent
        join pg_class as class on class.oid = link.inhrelid
        where parent.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and parent.relname like 'reporting\_ocpusagelineitem\_%\_staging'
        order by class.relname
    loop
        execute format(
            'alter table %I set (
                autovacuum_vacuum_insert_threshold = -1,
                autovacuum_vacuum_scale_factor = 0.05,
                autovacuum_vacuum_threshold = 10000,
                autovacuum_analyze_scale_factor = 0.5,
                autovacuum_analyze_threshold = 50000
            )',
            part.table_name
        );
    end loop;
end
$$;
