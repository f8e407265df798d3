-- summary/cloud/line_item_tables.sql
-- Purpose  the tenant's tables of cloud bills, of those that name the billed resource
-- Reads    catalog
-- Params   $1 columns that a table must have, by the name of the table, jsonb
-- Grain    table name; a table that lacks a column is skipped
with known (table_name, columns) as (
    select bills.key, array(select jsonb_array_elements_text(bills.value))
    from jsonb_each($1::jsonb) as bills
)
select known.table_name as "tableName"
from known
join pg_class as class
    on class.relname = known.table_name
    and class.relkind in ('r', 'p', 'v', 'm', 'f')
join pg_namespace as namespace
    on namespace.oid = class.relnamespace
    and namespace.nspname = current_schema()
where not exists (
    select 1
    from unnest(known.columns) as needed (name)
    where not exists (
        select 1
        from pg_attribute as attribute
        where attribute.attrelid = class.oid
            and attribute.attname = needed.name
            and attribute.attnum > 0
            and not attribute.attisdropped
    )
)
order by known.table_name
