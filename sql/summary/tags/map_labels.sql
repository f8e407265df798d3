-- summary/tags/map_labels.sql
-- Purpose  rename mapped child keys to their parents in the labels of pods and volumes
-- Rules    per child: parent absent, the child is renamed; parent present, the child is dropped. Children are taken in
--          ascending order of their keys; of several with one absent parent the last one's value stays.
-- Reads    reporting_tagmapping, reporting_enabledtagkeys
-- Writes   reporting_ocpusagelineitem_daily_summary   usage rows: pod_labels of Pod, volume_labels of Storage,
--          all_labels of both
-- Params   $1 source_uuid uuid   $2 days date[] (UTC)
-- Rerun    a mapped row holds no child key any more and is left alone
with mapping as (
    select
        child.key::text as child_key,
        parent.key::text as parent_key
    from reporting_tagmapping as pair
    join reporting_enabledtagkeys as child on child.uuid = pair.child_id
    join reporting_enabledtagkeys as parent on parent.uuid = pair.parent_id
    where child.enabled
        and child.provider_type = 'OCP'
),
children as (
    select array_agg(child_key) as keys
    from mapping
),
mapped as (
    select
        usage.usage_start,
        usage.uuid,
        (own.labels - children.keys) || coalesce(renamed.labels, '{}') as labels
    from reporting_ocpusagelineitem_daily_summary as usage
    cross join children
    cross join lateral (
        select case usage.data_source when 'Pod' then usage.pod_labels else usage.volume_labels end as labels
    ) as own
    cross join lateral (
        select jsonb_object_agg(
            mapping.parent_key, own.labels -> mapping.child_key order by mapping.child_key collate "C"
        ) as labels
        from mapping
        where own.labels ? mapping.child_key
            and not own.labels ? mapping.parent_key
    ) as renamed
    where usage.source_uuid = $1
        and usage.usage_start = any($2::date[])
        and usage.data_source in ('Pod', 'Storage')
        and ocp_is_usage_row(usage.cost_model_rate_type, usage.infrastructure_raw_cost)
        and coalesce(usage.infrastructure_project_raw_cost, 0) = 0
        and own.labels ?| children.keys
)
update reporting_ocpusagelineitem_daily_summary as usage
set pod_labels = case usage.data_source when 'Pod' then mapped.labels else usage.pod_labels end,
    volume_labels = case usage.data_source when 'Storage' then mapped.labels else usage.volume_labels end,
    all_labels = mapped.labels
from mapped
where usage.usage_start = mapped.usage_start
    and usage.uuid = mapped.uuid
