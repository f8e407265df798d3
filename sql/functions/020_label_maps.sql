-- functions/020_label_maps.sql
-- Purpose  one enabled-label map per node and day, or per namespace and day
-- Reads    reporting_ocpusagelineitem_{node,namespace}_labels_staging (object × hour), ocp_piece, ocp_label_set
-- Grain    (usage_day, name)
-- Why one  a label that changes within a day must not multiply the usage that joins it: hourly maps are applied in
--          chronological order and the later value of a key wins. Of two sets, the one seen last wins; within one hour
--          the greater value wins, so that the order of rows does not matter.
-- Rerun    repeatable definition

create or replace function ocp_daily_label_maps(
    p_report_kind text,
    p_source_uuid uuid,
    p_start_date date,
    p_end_date date
)
returns table (usage_day date, name text, labels jsonb)
language plpgsql stable parallel restricted rows 200
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_pieces bigint[] := ocp_live_pieces(p_report_kind, p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours(p_report_kind, p_source_uuid, p_start_date, p_end_date);
begin
    return query
    with enabled as materialized (
        select
            ocp_enabled_keys() as keys,
            ocp_enabled_keys_hash() as hash
    ),
    line as (
        select
            'node_labels' as report_kind,
            piece_id,
            interval_start,
            node as name,
            label_set_id
        from reporting_ocpusagelineitem_node_labels_staging
        union all
        select
            'namespace_labels',
            piece_id,
            interval_start,
            namespace,
            label_set_id
        from reporting_ocpusagelineitem_namespace_labels_staging
    ),
    set_hours as (
        select
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.name,
            line.label_set_id,
            max(line.interval_start) as last_hour
        from line
        where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
            and line.report_kind = p_report_kind
            and line.interval_start >= p_start_date::timestamp at time zone 'UTC'
            and line.interval_start < (p_end_date + 1)::timestamp at time zone 'UTC'
        group by 1, line.name, line.label_set_id
    ),
    last_values as (
        select distinct on (set_hours.usage_day, set_hours.name, label.key)
            set_hours.usage_day,
            set_hours.name,
            label.key,
            label.value
        from set_hours
        join ocp_label_set as label_set using (label_set_id)
        cross join enabled
        cross join lateral jsonb_each_text(
            ocp_enabled_labels(label_set, enabled.keys, enabled.hash)
        ) as label
        order by set_hours.usage_day, set_hours.name, label.key, set_hours.last_hour desc, label.value collate "C" desc
    )
    select
        usage_day,
        name,
        jsonb_object_agg(key, value)
    from last_values
    group by usage_day, name;
end
$$;
comment on function ocp_daily_label_maps(text, uuid, date, date) is
'Enabled labels of each node (node_labels) or namespace (namespace_labels), one map per UTC day; later hours win.';
