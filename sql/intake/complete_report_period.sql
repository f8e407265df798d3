-- intake/complete_report_period.sql
-- Purpose  record when the period was first and last summarised, by a payload or by a rebuild, and when its provider's
--          data changed
-- Writes   reporting_ocpusagereportperiod, public.api_provider
-- Params   $1 source_uuid uuid   $2 first day of the month date
with provider as (
    update public.api_provider
    set data_updated_timestamp = now()
    where uuid = $1
)
update reporting_ocpusagereportperiod
set summary_data_creation_datetime = coalesce(summary_data_creation_datetime, now()),
    summary_data_updated_datetime = now()
where provider_id = $1
    and report_period_start = $2::date::timestamp at time zone 'UTC'
