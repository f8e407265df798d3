-- functions/042_day_labels.sql
-- Purpose  the labels of a range of days: those of nodes and namespaces, and those of the pods and volumes
-- Reads    ocp_pod_day, ocp_claim_day, ocp_node_label_day, ocp_namespace_label_day; ocp_label_set
-- Writes   ocp_day_nodes (temporary)        grain: day × node that the node label report names
--          ocp_day_label_maps (temporary)   grain: report kind × day × name; enabled labels
--          ocp_day_label_sets (temporary)   grain: label set that the range uses; enabled labels
-- Plans    Label sets are the tenant's, of all clusters and months: each is looked up by its key, once, never scanned.
-- Rerun    replaces the tables; they end with the transaction

create or replace function ocp_gather_labels(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_keys text[] := ocp_enabled_keys();
    v_keys_hash text := ocp_enabled_keys_hash();
begin
    drop table if exists pg_temp.ocp_day_nodes;
    create temporary table ocp_day_nodes on commit drop as
    select
        label_day.usage_day,
        label_day.node,
        bool_or(label_set.labels ->> 'node_role_kubernetes_io' = 'infra') as is_infra,
        max(lower(nullif(label_set.labels ->> 'kubernetes_io_arch', '')) collate "C") as architecture
    from ocp_node_label_day as label_day
    join ocp_label_set as label_set using (label_set_id)
    where label_day.source_uuid = p_source_uuid
        and label_day.usage_day between p_start_date and p_end_date
    group by label_day.usage_day, label_day.node;

    drop table if exists pg_temp.ocp_day_label_maps;
    create temporary table ocp_day_label_maps on commit drop as
    select
        kind.report_kind,
        map.usage_day,
        map.name,
        map.labels
    from (values ('node_labels'), ('namespace_labels')) as kind (report_kind)
    cross join lateral ocp_daily_label_maps(kind.report_kind, p_source_uuid, p_start_date, p_end_date) as map;

    drop table if exists pg_temp.ocp_day_label_sets;
    create temporary table ocp_day_label_sets on commit drop as
    select
        used.label_set_id,
        ocp_enabled_labels(label_set, v_keys, v_keys_hash) as labels
    from (
        select label_set_id
        from ocp_pod_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        union
        select persistentvolume_label_set_id
        from ocp_claim_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        union
        select persistentvolumeclaim_label_set_id
        from ocp_claim_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
    ) as used
    join ocp_label_set as label_set using (label_set_id);
end
$$;
comment on function ocp_gather_labels(date, date, uuid) is
'Step of ocp_summarise_days: labels of the range, into temporary tables.';
