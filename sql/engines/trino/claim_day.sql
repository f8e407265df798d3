-- engines/trino/claim_day.sql
-- Purpose  relation ocp_claim_day: the storage rows of some days added up, each row placed on the node of the pod that
--          mounts the volume, and every hour of a claim counted once
-- Dialect  Trino. The rule for an hour with several nodes is that of functions/034_pod_spans.sql
-- Reads    live_storage_usage   grain: claim × pod × hour; bytes, byte-seconds
--          live_pod_usage   grain: pod × hour
-- Grain    day × namespace × pod × node × resource × claim × volume × class × handle × label sets
-- Params   none: the live rows are prepended (engines/trino/live-lines.ts)
-- Rerun    a query
with named as (
    select
        *,
        -- A blank volume of a named claim stands for the one that other rows of the claim have in that hour.
        case
            when persistentvolume = '' and persistentvolumeclaim <> ''
                then max(persistentvolume) over (partition by namespace, persistentvolumeclaim, interval_start)
            else persistentvolume
        end as volume
    from live_storage_usage
),

-- An absent value has no share: those that were sent share the hour. A row with neither claim nor volume is a claim of
-- its own.
shared as (
    select
        *,
        case
            when persistentvolumeclaim = '' and volume = '' then 1
            else greatest(
                count(persistentvolumeclaim_capacity_byte_seconds) over claim_hour, 1
            )
        end as capacities,
        case
            when persistentvolumeclaim = '' and volume = '' then 1
            else greatest(count(volume_request_storage_byte_seconds) over claim_hour, 1)
        end as requests,
        case
            when persistentvolumeclaim = '' and volume = '' then 1
            else greatest(count(persistentvolumeclaim_usage_byte_seconds) over claim_hour, 1)
        end as usages
    from named
    window claim_hour as (partition by namespace, persistentvolumeclaim, volume, interval_start)
),

mounts as (
    select
        usage_day,
        namespace,
        pod,
        max(node) as node,
        max(resource_id) as resource_id,
        min(node) <> max(node) or min(resource_id) <> max(resource_id) as is_moved
    from live_pod_usage
    where node <> ''
        and pod <> ''
    group by usage_day, namespace, pod
),

-- Pods that were on several nodes in the day: where they were, hour by hour.
moved_hours as (
    select
        line.usage_day,
        line.namespace,
        line.pod,
        line.interval_start,
        line.node,
        max(line.resource_id) as resource_id
    from live_pod_usage as line
    join mounts
        on mounts.usage_day = line.usage_day
        and mounts.namespace = line.namespace
        and mounts.pod = line.pod
    where line.node <> ''
        and mounts.is_moved
    group by line.usage_day, line.namespace, line.pod, line.interval_start, line.node
),

hour_nodes as (
    select
        usage_day,
        namespace,
        pod,
        interval_start,
        array_agg(node) as nodes
    from moved_hours
    group by usage_day, namespace, pod, interval_start
),

-- From the last hour back: of several nodes in one hour, the one chosen for the pod's next hour, else one that the next
-- hour has too, else the greatest.
choices as (
    select
        usage_day,
        namespace,
        pod,
        reduce(
            array_agg(cast(row(interval_start, nodes) as row(at timestamp(3), nodes array(varchar))) order by interval_start desc),
            cast(
                row('', array[], array[])
                as row(node varchar, nodes array(varchar), places array(row(at timestamp(3), node varchar)))
            ),
            (later, hour) -> transform(
                array[
                    case
                        when contains(hour.nodes, later.node) then later.node
                        else coalesce(array_max(array_intersect(hour.nodes, later.nodes)), array_max(hour.nodes))
                    end
                ],
                chosen -> cast(
                    row(chosen, hour.nodes, later.places || array[cast(row(hour.at, chosen) as row(at timestamp(3), node varchar))])
                    as row(node varchar, nodes array(varchar), places array(row(at timestamp(3), node varchar)))
                )
            )[1],
            done -> done.places
        ) as places
    from hour_nodes
    group by usage_day, namespace, pod
),

placed as (
    select
        choices.usage_day,
        choices.namespace,
        choices.pod,
        chosen.at as interval_start,
        chosen.node,
        moved_hours.resource_id,
        lag(chosen.node) over pod_day as node_before,
        lag(moved_hours.resource_id) over pod_day as resource_id_before
    from choices
    cross join unnest(choices.places) as chosen (at, node)
    join moved_hours
        on moved_hours.usage_day = choices.usage_day
        and moved_hours.namespace = choices.namespace
        and moved_hours.pod = choices.pod
        and moved_hours.interval_start = chosen.at
        and moved_hours.node = chosen.node
    window pod_day as (partition by choices.usage_day, choices.namespace, choices.pod order by chosen.at)
),

-- Before its first hour the first known node counts, in hours without a row the latest earlier one.
spans as (
    select
        usage_day,
        namespace,
        pod,
        node,
        resource_id,
        case when node_before is null then cast(usage_day as timestamp(3)) else interval_start end as from_time,
        coalesce(
            lead(interval_start) over (partition by usage_day, namespace, pod order by interval_start),
            cast(usage_day as timestamp(3)) + interval '1' day
        ) as until_time
    from placed
    where node_before is distinct from node
        or resource_id_before is distinct from resource_id
)

select
    cast(shared.usage_day as varchar) as usage_day,
    shared.namespace,
    shared.pod,
    case when mounts.is_moved then spans.node else mounts.node end as node,
    case when mounts.is_moved then spans.resource_id else mounts.resource_id end as resource_id,
    shared.persistentvolumeclaim,
    shared.volume as persistentvolume,
    shared.storageclass,
    shared.csi_volume_handle,
    shared.persistentvolume_labels as persistentvolume_label_set_id,
    shared.persistentvolumeclaim_labels as persistentvolumeclaim_label_set_id,
    count(*) as row_count,
    max(coalesce(shared.persistentvolumeclaim_capacity_bytes, 0e0)) as capacity_bytes,
    coalesce(sum(shared.persistentvolumeclaim_capacity_byte_seconds / shared.capacities), 0e0) as capacity,
    coalesce(sum(shared.volume_request_storage_byte_seconds / shared.requests), 0e0) as request,
    coalesce(sum(shared.persistentvolumeclaim_usage_byte_seconds / shared.usages), 0e0) as usage,
    coalesce(sum(shared.persistentvolumeclaim_capacity_byte_seconds), 0e0) as sent_capacity,
    coalesce(sum(shared.volume_request_storage_byte_seconds), 0e0) as sent_request,
    coalesce(sum(shared.persistentvolumeclaim_usage_byte_seconds), 0e0) as sent_usage
from shared
left join mounts
    on mounts.usage_day = shared.usage_day
    and mounts.namespace = shared.namespace
    and mounts.pod = shared.pod
left join spans
    on mounts.is_moved
    and spans.usage_day = shared.usage_day
    and spans.namespace = shared.namespace
    and spans.pod = shared.pod
    and shared.interval_start >= spans.from_time
    and shared.interval_start < spans.until_time
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
