-- retention/expired_sources.sql
-- Purpose  OpenShift sources of a tenant that still have anything before the first day kept
-- Reads    report periods, ledgers, public manifests and providers
-- Grain    source
-- Params   $1 schema text   $2 first day kept date
with tenant_sources as (
    select provider.uuid as source_uuid
    from public.api_provider as provider
    join public.api_customer as customer on customer.id = provider.customer_id
    where customer.schema_name = $1
        and provider.type = 'OCP'
)
select provider_id as source_uuid
from reporting_ocpusagereportperiod
where report_period_start < $2::date::timestamp at time zone 'UTC'
union
select source_uuid
from ocp_piece
where usage_day < $2::date
union
select source_uuid
from ocp_day
where usage_day < $2::date
union
select source_uuid
from ocp_source_month
where billing_month < $2::date
union
select source_uuid
from ocp_label_days
where billing_month < $2::date
union
select manifest.provider_id
from public.reporting_common_costusagereportmanifest as manifest
join tenant_sources on tenant_sources.source_uuid = manifest.provider_id
where manifest.billing_period_start_datetime < $2::date::timestamp at time zone 'UTC'
order by 1
