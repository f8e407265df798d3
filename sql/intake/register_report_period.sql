-- intake/register_report_period.sql
-- Purpose  the report period of a source and month, with the source's current alias
-- Writes   reporting_ocpusagereportperiod   grain: cluster × month × provider
-- Params   $1 source_uuid uuid   $2 cluster_id text   $3 cluster alias text   $4 first day of the month date
-- Rerun    updates the alias
insert into reporting_ocpusagereportperiod as known (
    cluster_id, cluster_alias, report_period_start, report_period_end, provider_id
)
values (
    $2,
    $3,
    $4::date::timestamp at time zone 'UTC',
    ($4::date + interval '1 month') at time zone 'UTC',
    $1
)
on conflict (cluster_id, report_period_start, provider_id) do update
set cluster_alias = excluded.cluster_alias
returning id
