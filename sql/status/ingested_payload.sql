-- status/ingested_payload.sql
-- Purpose  whether a tenant has an archive's data: its manifest was summarised, and none of its pieces waits to be
--          loaded
-- Reads    ocp_manifest, ocp_file, ocp_piece, public.reporting_common_costusagereportmanifest
-- Why      Temporal may have a record of runs that wrote into a database which has since been restored or replaced
-- Params   $1 source_uuid uuid   $2 manifest_uuid uuid   $3 request_id text
select
    exists (
        select from ocp_manifest as manifest
        join public.reporting_common_costusagereportmanifest as registered on registered.id = manifest.manifest_id
        where manifest.source_uuid = $1
            and manifest.manifest_uuid = $2
            and registered.completed_datetime is not null
    )
    and not exists (
        select from ocp_manifest as manifest
        join ocp_file as file on file.manifest_id = manifest.manifest_id
        join ocp_piece as piece on piece.file_id = file.file_id
        where manifest.source_uuid = $1
            and manifest.manifest_uuid = $2
            and file.request_id = $3
            and piece.state = 'registered'
    ) as is_ingested
