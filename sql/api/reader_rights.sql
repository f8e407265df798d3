-- api/reader_rights.sql
-- Purpose  what the role of the read API may not read although it has to, and what it may write although it need not
-- Reads    public.api_customer, the catalogue
-- Writes   nothing
-- Units    none
-- Params   none
-- Rerun    same rights, same result
with tenants as (
    select namespace.oid, namespace.nspname::text as schema
    from public.api_customer as customer
    join pg_namespace as namespace on namespace.nspname = customer.schema_name
),
tables as (
    select
        tenants.schema,
        relation.oid,
        relation.relname::text as name,
        has_schema_privilege(tenants.oid, 'usage') and has_table_privilege(relation.oid, 'select') as is_readable
    from tenants
    join pg_class as relation on relation.relnamespace = tenants.oid
    where relation.relkind in ('r', 'p')
        and not relation.relispartition
    union all
    select
        'public' as schema,
        relation.oid,
        relation.relname::text as name,
        case
            when relation.relname = 'payload_inbox' then (
                has_column_privilege(relation.oid, 'org_id', 'select')
                and has_column_privilege(relation.oid, 'request_id', 'select')
                and has_column_privilege(relation.oid, 'manifest', 'select')
            )
            when relation.relname in (
                'api_customer', 'api_provider', 'api_providerinfrastructuremap', 'ingest_failure',
                'api_exchangeratedictionary'
            ) then has_table_privilege(relation.oid, 'select')
            else true
        end as is_readable
    from pg_class as relation
    where relation.relnamespace = 'public'::regnamespace
        and relation.relkind in ('r', 'p')
        and not relation.relispartition
)
select
    current_user::text as role,
    (select count(*) from tenants)::integer as tenant_count,
    coalesce(array_agg(tables.schema || '.' || tables.name order by tables.schema, tables.name)
        filter (where not tables.is_readable), '{}') as unreadable,
    coalesce(array_agg(tables.schema || '.' || tables.name order by tables.schema, tables.name)
        filter (where has_table_privilege(tables.oid, 'insert, update, delete, truncate')), '{}') as writable
from tables
