-- summary/cloud/line_item_tables.sql
-- Purpose  the tenant's tables of cloud bills, of those that name the billed resource
-- Reads    catalog
-- Grain    table name; a table that lacks a column is skipped
with known (table_name, columns) as (
    values
        ('aws_line_items_daily', '{source,lineitem_usagestartdate,lineitem_resourceid}'::text[]),
        ('azure_line_items', '{source,date,resourceid}'),
        ('gcp_line_items_daily', '{source,usage_start_time,resource_name}'),
        ('reporting_awscostentrylineitem_daily_summary', '{source_uuid,usage_start,resource_ids}'),
        ('reporting_azurecostentrylineitem_daily_summary', '{source_uuid,usage_start,instance_ids}')
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
