-- summary/validate/storage_usage.sql
-- Purpose  a day's storage rows and claims, counted from staging and found in the daily summary
-- Reads    reporting_ocpusagelineitem_storage_staging (claim × pod × hour), ocp_checked_pods (temporary, functions/090),
--          ocp_pod_spans (functions/034), label sets and label maps, reporting_ocpusagelineitem_daily_summary: measured storage rows
-- Grain    check_name; counts
-- Params   $1 source_uuid uuid   $2 usage_day date   $3 rules of the day text
--          $4 live storage pieces bigint[]   $5 their hours that do not count bigint[]
with storage_day as materialized (
    select distinct
        line.namespace,
        line.pod,
        line.persistentvolumeclaim,
        line.persistentvolume,
        line.storageclass,
        line.csi_volume_handle,
        line.persistentvolume_label_set_id,
        line.persistentvolumeclaim_label_set_id
    from reporting_ocpusagelineitem_storage_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, $4::bigint[], $5::bigint[])
        and line.interval_start >= $2::date::timestamp at time zone 'UTC'
        and line.interval_start < ($2::date + 1)::timestamp at time zone 'UTC'
),
-- The node of a volume is the node of the pod that mounts it.
mounts as materialized (
    select
        pod_node.namespace,
        pod_node.pod,
        max(pod_node.node) as node,
        max(pod_node.resource_id) as resource_id,
        count(*) > 1 as is_moved
    from (
        select distinct
            line.namespace,
            line.pod,
            line.node,
            line.resource_id
        from ocp_checked_pods as line
        join (select distinct namespace, pod from storage_day where pod <> '') as mounting using (namespace, pod)
    ) as pod_node
    group by pod_node.namespace, pod_node.pod
),
-- Claims of which the day does not say enough: a pod was on several nodes, or the volume name is blank in some rows.
hourly_claims as materialized (
    select
        storage_day.namespace,
        storage_day.persistentvolumeclaim
    from storage_day
    left join mounts using (namespace, pod)
    group by storage_day.namespace, storage_day.persistentvolumeclaim
    having bool_or(mounts.is_moved)
        or (
            storage_day.persistentvolumeclaim <> ''
            and bool_or(storage_day.persistentvolume = '')
            and bool_or(storage_day.persistentvolume <> '')
        )
),
moved as materialized (
    select
        namespace,
        pod
    from mounts
    where is_moved
),
spans as materialized (
    select
        namespace,
        pod,
        node,
        resource_id,
        from_time,
        until_time
    from ocp_pod_spans(
        $1,
        array(select $2::date from moved),
        array(select namespace from moved),
        array(select pod from moved)
    )
),
placed as (
    select
        storage_day.namespace,
        mounts.node,
        mounts.resource_id,
        storage_day.persistentvolumeclaim,
        storage_day.persistentvolume,
        storage_day.storageclass,
        storage_day.csi_volume_handle,
        storage_day.persistentvolume_label_set_id,
        storage_day.persistentvolumeclaim_label_set_id
    from storage_day
    left join mounts using (namespace, pod)
    left join hourly_claims as hourly using (namespace, persistentvolumeclaim)
    where hourly.namespace is null
    union
    select
        line.namespace,
        case when mounts.is_moved then spans.node else mounts.node end,
        case when mounts.is_moved then spans.resource_id else mounts.resource_id end,
        line.persistentvolumeclaim,
        -- A blank volume of a named claim stands for the one that other rows of the claim have in that hour.
        case
            when line.persistentvolumeclaim <> '' and line.persistentvolume = ''
                then (max(line.persistentvolume collate "C") over claim_hour) collate "default"
            else line.persistentvolume
        end,
        line.storageclass,
        line.csi_volume_handle,
        line.persistentvolume_label_set_id,
        line.persistentvolumeclaim_label_set_id
    from reporting_ocpusagelineitem_storage_staging as line
    join hourly_claims using (namespace, persistentvolumeclaim)
    left join mounts
        on mounts.namespace = line.namespace
        and mounts.pod = line.pod
    left join spans
        on spans.namespace = line.namespace
        and spans.pod = line.pod
        and line.interval_start >= spans.from_time
        and line.interval_start < spans.until_time
    where exists (select from hourly_claims)
        and ocp_is_live(line.piece_id, line.interval_start, $4::bigint[], $5::bigint[])
        and line.interval_start >= $2::date::timestamp at time zone 'UTC'
        and line.interval_start < ($2::date + 1)::timestamp at time zone 'UTC'
    window claim_hour as (partition by line.namespace, line.persistentvolumeclaim, line.interval_start)
),
enabled as materialized (
    select
        ocp_enabled_keys() as keys,
        ocp_enabled_keys_hash() as hash
),
set_maps as materialized (
    select
        label_set.label_set_id,
        ocp_enabled_labels(label_set, enabled.keys, enabled.hash) as labels
    from (
        select persistentvolume_label_set_id as label_set_id
        from storage_day
        union
        select persistentvolumeclaim_label_set_id
        from storage_day
    ) as used
    join ocp_label_set as label_set using (label_set_id)
    cross join enabled
),
staged_keys as (
    select count(*) as keys
    from (
        select distinct
            placed.namespace,
            placed.node,
            placed.resource_id,
            placed.persistentvolumeclaim,
            placed.persistentvolume,
            placed.storageclass,
            placed.csi_volume_handle,
            ocp_merge_labels($3, volume_map.labels || claim_map.labels, node_map.labels, namespace_map.labels) as labels
        from placed
        join set_maps as volume_map on volume_map.label_set_id = placed.persistentvolume_label_set_id
        join set_maps as claim_map on claim_map.label_set_id = placed.persistentvolumeclaim_label_set_id
        left join ocp_daily_label_maps('node_labels', $1, $2::date, $2::date) as node_map
            on node_map.name = placed.node
        left join ocp_daily_label_maps('namespace_labels', $1, $2::date, $2::date) as namespace_map
            on namespace_map.name = placed.namespace
    ) as merged
),
measured as materialized (
    select
        coalesce(summary.namespace, '') as namespace,
        coalesce(summary.persistentvolumeclaim, '') as persistentvolumeclaim
    from reporting_ocpusagelineitem_daily_summary as summary
    where summary.source_uuid = $1
        and summary.usage_start = $2::date
        and summary.data_source = 'Storage'
        and ocp_is_usage_row(summary.cost_model_rate_type, summary.infrastructure_raw_cost)
        and ocp_is_real_namespace(summary.namespace)
),
claims as (
    select
        count(*) as staged,
        count(summarised.namespace) as summarised
    from (
        select distinct
            coalesce(namespace, '') as namespace,
            coalesce(persistentvolumeclaim, '') as persistentvolumeclaim
        from storage_day
    ) as staged
    left join (select distinct namespace, persistentvolumeclaim from measured) as summarised
        using (namespace, persistentvolumeclaim)
)
select
    checked.check_name,
    checked.expected,
    checked.found,
    greatest(checked.expected, checked.found) as scale
from staged_keys
cross join claims
cross join (select count(*) as storage_rows from measured) as summary_day
cross join lateral (
    values
        ('storage_rows', staged_keys.keys::float8, summary_day.storage_rows::float8),
        ('storage_claims', claims.staged, claims.summarised)
) as checked (check_name, expected, found)
order by checked.check_name
