-- retention/delete_days.sql
-- Purpose  delete the expired days and months of a source from the ledgers
-- Writes   ocp_day (with the warnings and comparisons of its days), ocp_source_month
-- Params   $1 source_uuid uuid   $2 first day kept date
-- Rerun    finds nothing
with months as (
    delete from ocp_source_month
    where source_uuid = $1
        and billing_month < $2::date
)
delete from ocp_day
where source_uuid = $1
    and usage_day < $2::date
