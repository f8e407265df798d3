-- tenants/registered.sql
-- Purpose  schemas of all tenants that anybody registered, whether or not they exist or this pipeline has tables in
--          them
-- Reads    public.api_tenant, which may name a schema without an organisation, and public.api_customer
-- Why      Koku has rows for public and for the template that it copies for new tenants, which are no tenants
-- Grain    tenant schema
select tenant.schema
from (
    select schema_name::text as schema
    from public.api_tenant
    union
    select schema_name::text
    from public.api_customer
) as tenant
where tenant.schema not in ('public', 'template0')
order by 1
