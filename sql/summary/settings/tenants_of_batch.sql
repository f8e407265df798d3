-- summary/settings/tenants_of_batch.sql
-- Purpose  tenants of one batch that this pipeline has tables in
-- Reads    public.api_customer, the catalog
-- Grain    tenant schema
-- Params   $1 customer that was looked at last, or 0 integer   $2 first and $3 last customer of the batch integer,
--          null: all
select
    id::int as id,
    coalesce(org_id, schema_name) as "orgId",
    schema_name as schema
from public.api_customer
where to_regclass(quote_ident(schema_name) || '.ocp_day') is not null
    and id > $1::int
    and ($2::int is null or id between $2::int and $3::int)
order by id
