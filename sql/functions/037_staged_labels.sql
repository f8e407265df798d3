-- functions/037_staged_labels.sql
-- Purpose  the labels of a range of days: those of nodes and namespaces, and those of the gathered pods and volumes
-- Reads    ocp_staged_pods, ocp_staged_volumes (temporary); live node and namespace labels in staging; ocp_label_set
-- Writes   ocp_staged_nodes (temporary)        grain: day × node that the node label report names
--          ocp_staged_label_maps (temporary)   grain: report kind × day × name; enabled labels
--          ocp_staged_label_sets (temporary)   grain: label set that the range uses; enabled labels
-- Plans    Label sets belong to the tenant, over all clusters and months: each is looked up once by its key, never
--          scanned.
-- Rerun    replaces the tables, which end with the transaction

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
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_node_label_pieces bigint[] := ocp_live_pieces('node_labels', p_source_uuid, p_start_date, p_end_date);
    v_node_label_dead_hours bigint[] := ocp_dead_hours('node_labels', p_source_uuid, p_start_date, p_end_date);
    v_namespace_label_pieces bigint[] := ocp_live_pieces('namespace_labels', p_source_uuid, p_start_date, p_end_date);
    v_namespace_label_dead_hours bigint[] := ocp_dead_hours('namespace_labels', p_source_uuid, p_start_date, p_end_date);
    v_keys text[] := ocp_enabled_keys();
    v_keys_hash text := ocp_enabled_keys_hash();
begin
    perform ocp_require_staged('node_labels', p_source_uuid, p_start_date, p_end_date);
    perform ocp_require_staged('namespace_labels', p_source_uuid, p_start_date, p_end_date);

    drop table if exists pg_temp.ocp_staged_nodes;
    create temporary table ocp_staged_nodes on commit drop as
    select
        node_set.usage_day,
        node_set.node,
        bool_or(label_set.labels ->> 'node_role_kubernetes_io' = 'infra') as is_infra,
        max(lower(nullif(label_set.labels ->> 'kubernetes_io_arch', ''))) as architecture
    from (
        select distinct
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.node,
            line.label_set_id
        from reporting_ocpusagelineitem_node_labels_staging as line
        where ocp_is_live(line.piece_id, line.interval_start, v_node_label_pieces, v_node_label_dead_hours)
            and line.interval_start >= v_from
            and line.interval_start < v_until
    ) as node_set
    join ocp_label_set as label_set using (label_set_id)
    group by node_set.usage_day, node_set.node;

    drop table if exists pg_temp.ocp_staged_label_maps;
    create temporary table ocp_staged_label_maps on commit drop as
    select
        kind.report_kind,
        map.usage_day,
        map.name,
        map.labels
    from (values ('node_labels'), ('namespace_labels')) as kind (report_kind)
    cross join lateral ocp_daily_label_maps(kind.report_kind, p_source_uuid, p_start_date, p_end_date) as map;

    drop table if exists pg_temp.ocp_staged_label_sets;
    create temporary table ocp_staged_label_sets on commit drop as
    select
        used.label_set_id,
        case when label_set.label_set_id is not null then ocp_enabled_labels(label_set, v_keys, v_keys_hash) end as labels
    from (
        select label_set_id from ocp_staged_pods
        union
        select persistentvolume_label_set_id from ocp_staged_volumes
        union
        select persistentvolumeclaim_label_set_id from ocp_staged_volumes
    ) as used
    left join ocp_label_set as label_set using (label_set_id);

    -- A row whose labels are gone would drop out of every join below.
    perform ocp_require_label_sets(
        p_source_uuid,
        p_start_date,
        p_end_date,
        array(
            select label_set_id
            from ocp_staged_label_sets
            where labels is null
            union all
            select reported.label_set_id
            from (
                select line.label_set_id
                from reporting_ocpusagelineitem_node_labels_staging as line
                where ocp_is_live(line.piece_id, line.interval_start, v_node_label_pieces, v_node_label_dead_hours)
                    and line.interval_start >= v_from
                    and line.interval_start < v_until
                union
                select line.label_set_id
                from reporting_ocpusagelineitem_namespace_labels_staging as line
                where ocp_is_live(line.piece_id, line.interval_start, v_namespace_label_pieces, v_namespace_label_dead_hours)
                    and line.interval_start >= v_from
                    and line.interval_start < v_until
            ) as reported
            left join ocp_label_set as label_set using (label_set_id)
            where label_set.label_set_id is null
        )
    );
end
$$;
comment on function ocp_gather_labels(date, date, uuid) is
'Step of populate_daily_summary_from_staging: labels of the range, into temporary tables. Runs after pods and volumes are gathered.';
