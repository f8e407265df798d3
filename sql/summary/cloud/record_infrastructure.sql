-- summary/cloud/record_infrastructure.sql
-- Purpose  record which cloud a source runs on in a month, or that there is none
-- Writes   ocp_source_month; a month that was never summarised has no row, and nothing is recorded
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 type of the cloud provider, or none text
--          $4 cloud provider uuid or NULL
-- Rerun    records it again
update ocp_source_month
set infrastructure = $3,
    infrastructure_provider_uuid = $4,
    infrastructure_checked_at = now()
where source_uuid = $1
    and billing_month = $2::date
