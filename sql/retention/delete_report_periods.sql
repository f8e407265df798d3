-- retention/delete_report_periods.sql
-- Purpose  remove the expired report periods of a source
-- Writes   reporting_ocpusagereportperiod
-- Params   $1 source_uuid uuid   $2 first day kept date
-- Rerun    finds nothing
delete from reporting_ocpusagereportperiod
where provider_id = $1
    and report_period_start < $2::date::timestamp at time zone 'UTC'
