-- Up Migration
-- What the sizes of volumes mean since every hour of a claim counts once; only where this program created the tables.

do $$
declare
    entry record;
begin
    for entry in
        with column_meaning (column_name, meaning) as (
            values
                ('persistentvolumeclaim_capacity_gigabyte_months', 'Capacity, GiB-months: byte-seconds / (86400 × days of the month) / 2^30; every hour of a claim counts once, divided among its rows.'),
                ('persistentvolumeclaim_usage_gigabyte_months', 'Storage used, GiB-months; every hour of a claim counts once, divided among its rows.'),
                ('volume_request_storage_gigabyte_months', 'Storage requested, GiB-months; every hour of a claim counts once, divided among its rows.')
        )
        select format('comment on column %I.%I is %L', class.relname, attribute.attname, column_meaning.meaning) as statement
        from pg_class as class
        join pg_attribute as attribute on attribute.attrelid = class.oid and not attribute.attisdropped
        join column_meaning on column_meaning.column_name = attribute.attname
        where class.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and class.relkind = 'p'
            and class.relname like 'reporting\_ocp%'
            and not exists (select from ocp_adopted_table as adopted where adopted.name = class.relname)
    loop
        execute entry.statement;
    end loop;
end
$$;
