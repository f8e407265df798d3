-- functions/037_label_day_relations.sql
-- Purpose  relations ocp_node_label_day and ocp_namespace_label_day: which label sets nodes and namespaces had, and
--          when
-- Reads    live rows of reporting_ocpusagelineitem_{node,namespace}_labels_staging   grain: object × hour
-- Writes   ocp_node_label_day, ocp_namespace_label_day   grain: day × object × label set
-- Error    OCP01 when staging lacks rows (functions/017)
-- Rerun    replaces the days

create or replace function ocp_rebuild_object_label_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set jit = off
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('node_labels', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('node_labels', p_source_uuid, p_start_date, p_end_date);
begin
    perform ocp_require_staged('node_labels', p_source_uuid, p_start_date, p_end_date);
    perform ocp_require_staged('namespace_labels', p_source_uuid, p_start_date, p_end_date);

    delete from ocp_node_label_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    insert into ocp_node_label_day (usage_day, node, label_set_id, source_uuid, first_hour, last_hour, row_count)
    select
        (line.interval_start at time zone v_utc)::date,
        line.node,
        line.label_set_id,
        p_source_uuid,
        min(line.interval_start),
        max(line.interval_start),
        count(*)
    from reporting_ocpusagelineitem_node_labels_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3;

    delete from ocp_namespace_label_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    v_pieces := ocp_live_pieces('namespace_labels', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours := ocp_dead_hours('namespace_labels', p_source_uuid, p_start_date, p_end_date);
    insert into ocp_namespace_label_day (usage_day, namespace, label_set_id, source_uuid, first_hour, last_hour, row_count)
    select
        (line.interval_start at time zone v_utc)::date,
        line.namespace,
        line.label_set_id,
        p_source_uuid,
        min(line.interval_start),
        max(line.interval_start),
        count(*)
    from reporting_ocpusagelineitem_namespace_labels_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3;
end
$$;
comment on function ocp_rebuild_object_label_days(date, date, uuid) is
'Step of ocp_rebuild_relations: label sets of nodes and namespaces.';
