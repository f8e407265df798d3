-- tags/label_days.sql
-- Purpose  remember which label values the rebuilt days hold, before tag mapping renames keys
-- Reads    reporting_ocpusagelineitem_daily_summary   usage rows of Pod and Storage
-- Writes   ocp_label_days   grain: source × month × data source × namespace × node × key × value
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 days date[] of that month, not mapped yet
-- Rerun    the bits of $3 are computed anew, other days' bits stay; same input gives same rows
with rebuilt as (
    select bit_or(1 << (extract(day from usage_day)::integer - 1)) as day_mask
    from unnest($3::date[]) as listed (usage_day)
),
seen as (
    select
        usage.data_source,
        usage.namespace,
        usage.node,
        label.key,
        label.value,
        bit_or(1 << (extract(day from usage.usage_start)::integer - 1)) as day_mask
    from reporting_ocpusagelineitem_daily_summary as usage
    cross join lateral jsonb_each_text(
        case usage.data_source
            when 'Pod' then usage.pod_labels
            else usage.volume_labels
        end
    ) as label
    where usage.source_uuid = $1
        and usage.usage_start = any($3::date[])
        and usage.data_source in ('Pod', 'Storage')
        and usage.cost_model_rate_type is null
        and coalesce(usage.infrastructure_raw_cost, 0) = 0
        and coalesce(usage.infrastructure_project_raw_cost, 0) = 0
        and usage.namespace is not null
        and label.value is not null
        -- Longer ones fit in no index entry, here and in Koku's tables; Kubernetes' own limits are far below.
        and octet_length(label.key) + octet_length(label.value)
            + octet_length(usage.namespace) + octet_length(coalesce(usage.node, '')) <= 2500
    group by
        usage.data_source,
        usage.namespace,
        usage.node,
        label.key,
        label.value
),
known as (
    select
        label_days_id,
        data_source,
        namespace,
        node,
        key,
        value,
        day_mask
    from ocp_label_days
    where source_uuid = $1
        and billing_month = $2::date
),
compared as (
    select
        known.label_days_id,
        seen.data_source,
        seen.namespace,
        seen.node,
        seen.key,
        seen.value,
        (coalesce(known.day_mask, 0) & ~rebuilt.day_mask) | coalesce(seen.day_mask, 0) as day_mask,
        known.day_mask as known_day_mask
    from known
    -- NULL equals NULL here, in a form that can be hashed.
    full join seen
        on seen.data_source = known.data_source
        and seen.namespace = known.namespace
        and coalesce(seen.node, '') = coalesce(known.node, '')
        and (seen.node is null) = (known.node is null)
        and seen.key = known.key
        and seen.value = known.value
    cross join rebuilt
),
removed as (
    delete from ocp_label_days as stored
    using compared
    where stored.label_days_id = compared.label_days_id
        and compared.day_mask = 0
),
changed as (
    update ocp_label_days as stored
    set day_mask = compared.day_mask
    from compared
    where stored.label_days_id = compared.label_days_id
        and compared.day_mask <> 0
        and compared.day_mask <> compared.known_day_mask
)
insert into ocp_label_days (source_uuid, billing_month, data_source, namespace, node, key, value, day_mask)
select
    $1,
    $2::date,
    data_source,
    namespace,
    node,
    key,
    value,
    day_mask
from compared
where label_days_id is null
