-- functions/082_label_summaries.sql
-- Purpose  reporting_ocpusagepodlabel_summary, reporting_ocpstoragevolumelabel_summary: enabled labels of a month
-- Reads    ocp_label_changes (temporary, 081)
-- Writes   both label summaries   grain: report period × key × namespace × node; values sorted
-- Plans    changed rows are looked up by their key: the tables contain every cluster and month
-- Rerun    updates the rows of the period to match the month; only rows that differ are written

create or replace function ocp_write_pod_labels(p_report_period_id integer)
returns void
language plpgsql
set search_path from current
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_uuid_prefix text := ocp_uuid_prefix();
begin
    delete from reporting_ocpusagepodlabel_summary as stored
    using ocp_label_changes as changed
    where changed.data_source = 'Pod'
        and changed.new_values is null
        and stored.uuid = changed.uuid;

    update reporting_ocpusagepodlabel_summary as stored
    set "values" = changed.new_values
    from ocp_label_changes as changed
    where changed.data_source = 'Pod'
        and changed.new_values is not null
        and stored.uuid = changed.uuid;

    insert into reporting_ocpusagepodlabel_summary (uuid, key, "values", namespace, node, report_period_id)
    select
        -- In the order of the other index: the pages of both are filled one after the other.
        ocp_row_uuid(v_uuid_prefix, row_number() over (order by key, namespace, node)),
        key,
        new_values,
        namespace,
        node,
        p_report_period_id
    from ocp_label_changes
    where data_source = 'Pod'
        and uuid is null;
end
$$;
comment on function ocp_write_pod_labels(integer) is 'Brings the label summary of pods of a period up to date.';

create or replace function ocp_write_volume_labels(p_report_period_id integer)
returns void
language plpgsql
set search_path from current
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_uuid_prefix text := ocp_uuid_prefix();
begin
    delete from reporting_ocpstoragevolumelabel_summary as stored
    using ocp_label_changes as changed
    where changed.data_source = 'Storage'
        and changed.new_values is null
        and stored.uuid = changed.uuid;

    update reporting_ocpstoragevolumelabel_summary as stored
    set "values" = changed.new_values
    from ocp_label_changes as changed
    where changed.data_source = 'Storage'
        and changed.new_values is not null
        and stored.uuid = changed.uuid;

    insert into reporting_ocpstoragevolumelabel_summary (uuid, key, "values", namespace, node, report_period_id)
    select
        -- In the order of the other index: the pages of both are filled one after the other.
        ocp_row_uuid(v_uuid_prefix, row_number() over (order by key, namespace, node)),
        key,
        new_values,
        namespace,
        node,
        p_report_period_id
    from ocp_label_changes
    where data_source = 'Storage'
        and uuid is null;
end
$$;
comment on function ocp_write_volume_labels(integer) is 'Brings the label summary of volumes of a period up to date.';
