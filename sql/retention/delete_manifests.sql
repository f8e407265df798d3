-- retention/delete_manifests.sql
-- Purpose  remove the expired manifests of a source with their files; a manifest that also brought later days stays
-- Writes   ocp_manifest (with its files), public manifests and file status
-- Grain    one row: manifests removed
-- Params   $1 source_uuid uuid   $2 first day kept date
-- Rerun    finds nothing
with expired as (
    select manifest.id
    from public.reporting_common_costusagereportmanifest as manifest
    where manifest.provider_id = $1
        and manifest.billing_period_start_datetime < $2::date::timestamp at time zone 'UTC'
        and not exists (
            select 1
            from ocp_piece as piece
            where piece.manifest_id = manifest.id
                and piece.usage_day >= $2::date
        )
),
ledger as (
    delete from ocp_manifest
    where manifest_id in (select id from expired)
),
file_status as (
    delete from public.reporting_common_costusagereportstatus
    where manifest_id in (select id from expired)
),
removed as (
    delete from public.reporting_common_costusagereportmanifest
    where id in (select id from expired)
    returning id
)
select count(*) as manifest_count
from removed
