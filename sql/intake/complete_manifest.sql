-- intake/complete_manifest.sql
-- Purpose  record in Koku's tables that the manifest's run has ended
-- Writes   public.reporting_common_costusagereportmanifest, public.api_provider
-- Params   $1 manifest_id integer   $2 source_uuid uuid   $3 state jsonb {download, processing, summary}
-- Rerun    keeps the first completion time
with provider as (
    update public.api_provider
    set setup_complete = true,
        data_updated_timestamp = now()
    where uuid = $2
)
update public.reporting_common_costusagereportmanifest
set completed_datetime = coalesce(completed_datetime, now()),
    state = coalesce(state, '{}') || $3::jsonb
where id = $1
