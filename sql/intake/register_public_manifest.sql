-- intake/register_public_manifest.sql
-- Purpose  the manifest's row in public, where Koku looks for it
-- Writes   public.reporting_common_costusagereportmanifest   grain: provider × manifest uuid
-- Params   $1 source_uuid uuid   $2 manifest jsonb   $3 billing month start timestamptz
-- Rerun    an existing row is kept; one that was deleted with its source is restored under the id that the ledger knows
insert into public.reporting_common_costusagereportmanifest (
    id,
    assembly_id,
    billing_period_start_datetime,
    num_total_files,
    provider_id,
    export_datetime,
    creation_datetime,
    cluster_id,
    operator_version,
    operator_certified,
    operator_daily_reports,
    cluster_channel,
    operator_airgapped,
    operator_errors,
    state,
    report_tracker,
    s3_parquet_cleared_tracker
)
select
    coalesce(
        (
            select known.manifest_id
            from ocp_manifest as known
            where known.source_uuid = $1
                and known.manifest_uuid = (manifest.body ->> 'uuid')::uuid
        ),
        nextval(pg_get_serial_sequence('public.reporting_common_costusagereportmanifest', 'id'))
    ),
    manifest.body ->> 'uuid',
    $3,
    jsonb_array_length(manifest.body -> 'files'),
    $1,
    (manifest.body ->> 'date')::timestamptz,
    now(),
    manifest.body ->> 'clusterId',
    manifest.body ->> 'operatorVersion',
    (manifest.body ->> 'certified')::boolean,
    (manifest.body ->> 'dailyReports')::boolean,
    manifest.body ->> 'clusterChannel',
    (manifest.body ->> 'operatorAirgapped')::boolean,
    nullif(manifest.body -> 'operatorErrors', 'null'),
    '{}',
    '{}',
    '{}'
from (select $2::jsonb as body) as manifest
on conflict (provider_id, assembly_id) do nothing
