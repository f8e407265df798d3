-- functions/051_storage_rows.sql
-- Purpose  usage rows of volumes in the daily summary, for a range of days of one source and month
-- Reads    ocp_claim_day; ocp_day_label_sets, ocp_day_label_maps (temporary)
-- Writes   reporting_ocpusagelineitem_daily_summary
--          grain: day × namespace × node × resource_id × claim × volume × class × handle × merged enabled labels
-- Units    byte-seconds / (86400 · days of the month) / 2^30 = GiB-months; "gigabyte" is 2^30 bytes
-- Plans    temporary tables have no statistics: all joins and groups use hashing
-- Rerun    the caller deletes the range's usage rows first; same input gives same rows

create or replace function ocp_insert_storage_rows(
    p_start_date date, p_end_date date, p_report_period_id integer, p_cluster_id text, p_cluster_alias text, p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_mergejoin = off
set enable_nestloop = off
set enable_sort = off
set jit = off
as $$
declare
    v_rules text := ocp_rules();
    v_uuid_prefix text := ocp_uuid_prefix();
    v_month_seconds double precision :=
        86400 * extract(day from date_trunc('month', p_start_date) + interval '1 month' - interval '1 day');
    v_rows bigint;
begin
    with merged as (
        select
            volume.*,
            -- Of one key the claim's value wins over the volume's.
            ocp_merge_labels(
                v_rules, volume_set.labels || claim_set.labels, node_map.labels, namespace_map.labels
            ) as labels
        from ocp_claim_day as volume
        join ocp_day_label_sets as volume_set on volume_set.label_set_id = volume.persistentvolume_label_set_id
        join ocp_day_label_sets as claim_set on claim_set.label_set_id = volume.persistentvolumeclaim_label_set_id
        left join ocp_day_label_maps as node_map
            on node_map.report_kind = 'node_labels'
            and node_map.usage_day = volume.usage_day
            and node_map.name = volume.node
        left join ocp_day_label_maps as namespace_map
            on namespace_map.report_kind = 'namespace_labels'
            and namespace_map.usage_day = volume.usage_day
            and namespace_map.name = volume.namespace
        where volume.source_uuid = p_source_uuid
            and volume.usage_day between p_start_date and p_end_date
    ),
    categories as (
        select
            namespace,
            ocp_cost_category_id(namespace) as cost_category_id
        from (
            select distinct namespace
            from ocp_claim_day
            where source_uuid = p_source_uuid
                and usage_day between p_start_date and p_end_date
        ) as volume_namespace
    )
    insert into reporting_ocpusagelineitem_daily_summary (
        uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end,
        namespace, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass, volume_labels, all_labels,
        persistentvolumeclaim_capacity_gigabyte, persistentvolumeclaim_capacity_gigabyte_months,
        volume_request_storage_gigabyte_months, persistentvolumeclaim_usage_gigabyte_months,
        infrastructure_usage_cost, cost_category_id, source_uuid
    )
    select
        ocp_row_uuid(v_uuid_prefix, row_number() over ()),
        p_report_period_id,
        p_cluster_id,
        p_cluster_alias,
        'Storage',
        merged.usage_day,
        merged.usage_day,
        merged.namespace,
        merged.node,
        merged.resource_id,
        merged.persistentvolumeclaim,
        merged.persistentvolume,
        merged.storageclass,
        merged.labels,
        merged.labels,
        max(merged.capacity_bytes) / 2 ^ 30,
        sum(merged.capacity) / v_month_seconds / 2 ^ 30,
        sum(merged.request) / v_month_seconds / 2 ^ 30,
        sum(merged.usage) / v_month_seconds / 2 ^ 30,
        '{"cpu": 0.000000000, "memory": 0.000000000, "storage": 0.000000000}',
        max(categories.cost_category_id),
        p_source_uuid
    from merged
    left join categories
        on categories.namespace = merged.namespace
    group by
        merged.usage_day, merged.namespace, merged.node, merged.resource_id, merged.persistentvolumeclaim,
        merged.persistentvolume, merged.storageclass, merged.csi_volume_handle, merged.labels;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_storage_rows(date, date, integer, text, text, uuid) is
'Step of ocp_summarise_days: volumes, on the nodes of the pods that mount them.';
