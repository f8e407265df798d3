-- retention/delete_labels.sql
-- Purpose  remove the label values of a source's expired months
-- Writes   both label summaries, ocp_label_days
-- Params   $1 source_uuid uuid   $2 first day kept date
-- Rerun    finds nothing
with expired as (
    select id
    from reporting_ocpusagereportperiod
    where provider_id = $1
        and report_period_start < $2::date::timestamp at time zone 'UTC'
),
pod_labels as (
    delete from reporting_ocpusagepodlabel_summary
    where report_period_id in (select id from expired)
),
volume_labels as (
    delete from reporting_ocpstoragevolumelabel_summary
    where report_period_id in (select id from expired)
)
delete from ocp_label_days
where source_uuid = $1
    and billing_month < $2::date
