-- summary/validate/storage_usage.sql
-- Purpose  a day's storage rows and claims, counted from the daily relations and found in the daily summary
-- Reads    ocp_claim_day, ocp_day_label_sets and ocp_day_label_maps (temporary, functions/042),
--          reporting_ocpusagelineitem_daily_summary: measured storage rows
-- Grain    check_name; counts
-- Plans    rows written a moment ago have no statistics: the caller has all joins hashed
-- Params   $1 source_uuid uuid   $2 usage_day date   $3 rules of the day text
with placed as materialized (
    select distinct
        namespace,
        node,
        resource_id,
        persistentvolumeclaim,
        persistentvolume,
        storageclass,
        csi_volume_handle,
        persistentvolume_label_set_id,
        persistentvolumeclaim_label_set_id
    from ocp_claim_day
    where source_uuid = $1
        and usage_day = $2::date
),
relation_keys as (
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
        join ocp_day_label_sets as volume_map on volume_map.label_set_id = placed.persistentvolume_label_set_id
        join ocp_day_label_sets as claim_map on claim_map.label_set_id = placed.persistentvolumeclaim_label_set_id
        left join ocp_day_label_maps as node_map
            on node_map.report_kind = 'node_labels'
            and node_map.usage_day = $2::date
            and node_map.name = placed.node
        left join ocp_day_label_maps as namespace_map
            on namespace_map.report_kind = 'namespace_labels'
            and namespace_map.usage_day = $2::date
            and namespace_map.name = placed.namespace
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
        count(*) as placed,
        count(summarised.namespace) as summarised
    from (
        select distinct
            coalesce(namespace, '') as namespace,
            coalesce(persistentvolumeclaim, '') as persistentvolumeclaim
        from placed
    ) as claim
    left join (select distinct namespace, persistentvolumeclaim from measured) as summarised
        using (namespace, persistentvolumeclaim)
)
select
    checked.check_name,
    checked.expected,
    checked.found,
    greatest(checked.expected, checked.found) as scale
from relation_keys
cross join claims
cross join (select count(*) as storage_rows from measured) as summary_day
cross join lateral (
    values
        ('storage_rows', relation_keys.keys::float8, summary_day.storage_rows::float8),
        ('storage_claims', claims.placed, claims.summarised)
) as checked (check_name, expected, found)
order by checked.check_name
