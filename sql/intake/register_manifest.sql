-- intake/register_manifest.sql
-- Purpose  the manifest's row in the ledger
-- Writes   ocp_manifest   grain: manifest
-- Params   $1 source_uuid uuid   $2 manifest jsonb
-- Rerun    an existing row is kept
insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports, hours_per_day)
select
    registered.id,
    $1,
    registered.assembly_id::uuid,
    ($2::jsonb ->> 'date')::timestamptz,
    ($2::jsonb ->> 'dailyReports')::boolean,
    $2::jsonb -> 'hoursPerDay'
from public.reporting_common_costusagereportmanifest as registered
where registered.provider_id = $1
    and registered.assembly_id = $2::jsonb ->> 'uuid'
on conflict (manifest_id) do nothing
