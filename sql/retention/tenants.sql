-- retention/tenants.sql
-- Purpose  tenants that this pipeline has tables in
-- Reads    public.api_customer, the catalog
-- Grain    tenant schema
select
    coalesce(org_id, schema_name) as org_id,
    schema_name
from public.api_customer
where to_regclass(quote_ident(schema_name) || '.ocp_day') is not null
order by 1
