-- summary/settings/tenant_batches.sql
-- Purpose  tenants that this pipeline has tables in, cut into batches of about one size
-- Reads    public.api_customer, the catalog
-- Grain    batch
-- Params   $1 tenants in a batch integer
select
    min(tenant.id)::int as "firstId",
    max(tenant.id)::int as "lastId"
from (
    select
        id,
        (row_number() over (order by id) - 1) / $1::int as batch
    from public.api_customer
    where to_regclass(quote_ident(schema_name) || '.ocp_day') is not null
) as tenant
group by tenant.batch
order by tenant.batch
