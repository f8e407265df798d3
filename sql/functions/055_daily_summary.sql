-- functions/055_daily_summary.sql
-- Purpose  usage rows of the daily summary for a range of days of one source and month
-- Reads    daily relations (039), node and cost category tables
-- Writes   reporting_ocpusagelineitem_daily_summary (050, 051, 052), dimension tables (040, 041)
-- Setting  ocp.rules = design | koku, set for the transaction by the caller
-- Error    OCP01 when label sets are gone (functions/017)
-- Rerun    deletes the range's usage rows first, same transaction; same input gives same rows

create or replace function ocp_summarise_days(
    p_start_date date,
    p_end_date date,
    p_report_period_id integer,
    p_cluster_id text,
    p_cluster_alias text,
    p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
as $$
declare
    v_rows bigint;
begin
    perform ocp_rules();
    if date_trunc('month', p_start_date) <> date_trunc('month', p_end_date) or p_end_date < p_start_date then
        raise exception 'range % to %: expected days of one month, in order', p_start_date, p_end_date;
    end if;

    perform ocp_require_label_sets(p_source_uuid, p_start_date, p_end_date);
    perform ocp_gather_labels(p_start_date, p_end_date, p_source_uuid);
    perform ocp_record_dimensions(p_start_date, p_end_date, p_cluster_id, p_cluster_alias, p_source_uuid);
    perform ocp_record_nodes(p_start_date, p_end_date, p_cluster_id, p_source_uuid);

    -- Cost rows and cloud cost stay until the cost step replaces them.
    delete from reporting_ocpusagelineitem_daily_summary
    where source_uuid = p_source_uuid
        and usage_start between p_start_date and p_end_date
        and ocp_is_usage_row(cost_model_rate_type, infrastructure_raw_cost);

    v_rows := ocp_insert_pod_rows(p_start_date, p_end_date, p_report_period_id, p_cluster_id, p_cluster_alias, p_source_uuid);
    v_rows := v_rows
        + ocp_insert_storage_rows(p_start_date, p_end_date, p_report_period_id, p_cluster_id, p_cluster_alias, p_source_uuid);
    v_rows := v_rows + ocp_insert_unallocated_rows(p_start_date, p_end_date, p_source_uuid);
    return v_rows;
end
$$;
comment on function ocp_summarise_days(date, date, integer, text, text, uuid) is
'Rebuilds the usage rows of a range of days of one month from the daily relations; returns the rows written. Needs ocp.rules.';
