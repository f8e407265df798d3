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
            else greatest(count(persistentvolumeclaim_capacity_byte_seconds) over claim_hour, 1)
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

mounting as (
    select distinct
        usage_day,
        namespace,
        pod
    from live_storage_usage
    where pod <> ''
),

-- Trino expands each use of a CTE: the rows of pods are read once only if each CTE from here on is used once. Nearly
-- all pods stay where they are, and are one row from here on; of the others every hour counts.
pod_rows as (
    select
        line.usage_day,
        line.namespace,
        line.pod,
        case
            when min(line.node) = max(line.node) and min(line.resource_id) = max(line.resource_id)
                then array[
                    cast(
                        row(min(line.interval_start), max(line.node), max(line.resource_id))
                        as row(at timestamp(3), node varchar, resource_id varchar)
                    )
                ]
            else array_agg(
                cast(
                    row(line.interval_start, line.node, line.resource_id)
                    as row(at timestamp(3), node varchar, resource_id varchar)
                )
            )
        end as places
    from live_pod_usage as line
    join mounting
        on mounting.usage_day = line.usage_day
        and mounting.namespace = line.namespace
        and mounting.pod = line.pod
    where line.node <> ''
    group by line.usage_day, line.namespace, line.pod
),

pod_hours as (
    select
        usage_day,
        namespace,
        pod,
        interval_start,
        map_agg(node, resource_id) as nodes
    from (
        select
            pod_rows.usage_day,
            pod_rows.namespace,
            pod_rows.pod,
            place.at as interval_start,
            place.node,
            max(place.resource_id) as resource_id
        from pod_rows
        cross join unnest(pod_rows.places) as place (at, node, resource_id)
        group by 1, 2, 3, 4, 5
    ) as hour_nodes
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
            array_agg(
                cast(row(interval_start, nodes) as row(at timestamp(3), nodes map(varchar, varchar)))
                order by interval_start desc
            ),
            cast(
                row('', array[], array[])
                as row(
                    node varchar,
                    nodes array(varchar),
                    places array(row(at timestamp(3), node varchar, resource_id varchar))
                )
            ),
            (later, hour) -> transform(
                array[
                    case
                        when contains(map_keys(hour.nodes), later.node) then later.node
                        else coalesce(
                            array_max(array_intersect(map_keys(hour.nodes), later.nodes)),
                            array_max(map_keys(hour.nodes))
                        )
                    end
                ],
                chosen -> cast(
                    row(
                        chosen,
                        map_keys(hour.nodes),
                        later.places || array[
                            cast(
                                row(hour.at, chosen, element_at(hour.nodes, chosen))
                                as row(at timestamp(3), node varchar, resource_id varchar)
                            )
                        ]
                    )
                    as row(
                        node varchar,
                        nodes array(varchar),
                        places array(row(at timestamp(3), node varchar, resource_id varchar))
                    )
                )
            )[1],
            done -> done.places
        ) as places
    from pod_hours
    group by usage_day, namespace, pod
),

placed as (
    select
        choices.usage_day,
        choices.namespace,
        choices.pod,
        chosen.at as interval_start,
        chosen.node,
        chosen.resource_id,
        lag(chosen.node) over pod_day as node_before,
        lag(chosen.resource_id) over pod_day as resource_id_before
    from choices
    cross join unnest(choices.places) as chosen (at, node, resource_id)
    window pod_day as (partition by choices.usage_day, choices.namespace, choices.pod order by chosen.at)
),

-- Before its first hour the first known node counts, in hours without a row the latest earlier one: a pod that did not
-- move has one span.
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
    spans.node,
    spans.resource_id,
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
left join spans
    on spans.usage_day = shared.usage_day
    and spans.namespace = shared.namespace
    and spans.pod = shared.pod
    and shared.interval_start >= spans.from_time
    and shared.interval_start < spans.until_time
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
