-- summary/tags/map_pod_labels.sql
-- Purpose  rename mapped child keys to their parents in pod_labels and all_labels
-- Rules    per child: parent absent, the child is renamed; parent present, the child is dropped. Children are taken in
--          ascending order of their keys; of several with one absent parent the last one's value stays.
-- Reads    reporting_tagmapping, reporting_enabledtagkeys
-- Writes   reporting_ocpusagelineitem_daily_summary   usage rows of Pod
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
        (usage.pod_labels - children.keys) || coalesce(renamed.labels, '{}') as labels
    from reporting_ocpusagelineitem_daily_summary as usage
    cross join children
    cross join lateral (
        select jsonb_object_agg(
            mapping.parent_key, usage.pod_labels -> mapping.child_key order by mapping.child_key collate "C"
        ) as labels
        from mapping
        where usage.pod_labels ? mapping.child_key
            and not usage.pod_labels ? mapping.parent_key
    ) as renamed
    where usage.source_uuid = $1
        and usage.usage_start = any($2::date[])
        and usage.data_source = 'Pod'
        and usage.cost_model_rate_type is null
        and coalesce(usage.infrastructure_raw_cost, 0) = 0
        and coalesce(usage.infrastructure_project_raw_cost, 0) = 0
        and usage.pod_labels ?| children.keys
)
update reporting_ocpusagelineitem_daily_summary as usage
set pod_labels = mapped.labels,
    all_labels = mapped.labels
from mapped
where usage.usage_start = mapped.usage_start
    and usage.uuid = mapped.uuid
