-- functions/020_label_maps.sql
-- Purpose  one enabled-label map per node and day, or per namespace and day
-- Reads    ocp_node_label_day, ocp_namespace_label_day (object × day × label set), ocp_label_set
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
begin
    return query
    with enabled as materialized (
        select
            ocp_enabled_keys() as keys,
            ocp_enabled_keys_hash() as hash
    ),
    set_hours as (
        select
            usage_day,
            node as name,
            label_set_id,
            last_hour
        from ocp_node_label_day
        where p_report_kind = 'node_labels'
            and source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        union all
        select
            usage_day,
            namespace,
            label_set_id,
            last_hour
        from ocp_namespace_label_day
        where p_report_kind = 'namespace_labels'
            and source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
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
