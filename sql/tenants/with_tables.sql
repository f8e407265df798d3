-- tenants/with_tables.sql
-- Purpose  tenants that this pipeline has tables in: there is something to summarise, to watch, to clean up
-- Reads    public.api_customer, the catalog
-- Grain    tenant schema, in the order of customers' ids
-- Params   $1 org_id text, null: all   $2 and $3 ids of customers integer: after the one, up to the other, null: no
--          bound
select
    id::int as id,
    coalesce(org_id, schema_name) as "orgId",
    schema_name as schema
from public.api_customer
where to_regclass(quote_ident(schema_name) || '.ocp_day') is not null
    and ($1::text is null or org_id = $1)
    and ($2::int is null or id > $2)
    and ($3::int is null or id <= $3)
order by id
