-- functions/034_pod_spans.sql
-- Purpose  the node of pods that ran on several within a day, hour by hour
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging of these days   grain: pod × hour
-- Grain    day × namespace × pod × span of time; the spans of a pod cover its whole day
-- Params   source; the pods, as arrays of the same length: days, namespaces, names
-- Why      what a pod mounts belongs to the node on which the pod runs in that hour. If there are several nodes in one
--          hour, the one of the pod's next hour counts, else the greatest by bytes. Before its first and after its last
--          hour, and in hours without a row, the nearest known node counts: the latest earlier one, else the first
--          later one.
-- Rerun    repeatable definition

-- The state is the node chosen for the hour, followed by all nodes of the hour; hours are processed backwards.
create or replace function ocp_choose_node(p_later text[], p_nodes text[])
returns text[]
language sql immutable parallel safe
as $$
    select array_prepend(
        (
            select offered.node
            from unnest(p_nodes) as offered (node)
            order by
                coalesce(offered.node = p_later[1], false) desc,
                coalesce(offered.node = any(p_later[2:]), false) desc,
                offered.node collate "C" desc
            limit 1
        ),
        p_nodes
    )
$$;
comment on function ocp_choose_node(text[], text[]) is
'The node of a pod in an hour, followed by all nodes that it had in it; p_later is the same of its next hour.';

create or replace aggregate ocp_chosen_node(text[]) (
    sfunc = ocp_choose_node,
    stype = text[],
    initcond = '{}',
    parallel = safe
);
comment on aggregate ocp_chosen_node(text[]) is 'Fold of ocp_choose_node over the hours of a pod and day, the last one first.';

create or replace function ocp_pod_spans(p_source_uuid uuid, p_usage_days date[], p_namespaces text[], p_pods text[])
returns table (
    usage_day date,
    namespace text,
    pod text,
    node text,
    resource_id text,
    from_time timestamptz,
    until_time timestamptz
)
language plpgsql stable
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_mergejoin = off
set enable_nestloop = off
set jit = off
set max_parallel_workers_per_gather = 0
as $$
#variable_conflict use_column
declare
    v_utc interval := '0';
    v_pieces bigint[];
    v_dead_hours bigint[];
begin
    if cardinality(p_pods) = 0 then
        return;
    end if;
    v_pieces := array(
        select unnest(ocp_live_pieces('pod_usage', p_source_uuid, asked.usage_day, asked.usage_day))
        from (select distinct unnest(p_usage_days) as usage_day) as asked
    );
    v_dead_hours := array(
        select unnest(ocp_dead_hours('pod_usage', p_source_uuid, asked.usage_day, asked.usage_day))
        from (select distinct unnest(p_usage_days) as usage_day) as asked
    );
    return query
    with asked as materialized (
        select
            usage_day,
            namespace,
            pod
        from unnest(p_usage_days, p_namespaces, p_pods) as listed (usage_day, namespace, pod)
    ),
    pod_nodes as materialized (
        select
            asked.usage_day,
            asked.namespace,
            asked.pod,
            line.interval_start,
            line.node,
            max(line.resource_id collate "C") as resource_id
        from reporting_ocpusagelineitem_pod_staging as line
        join asked
            on asked.namespace = line.namespace
            and asked.pod = line.pod
            and asked.usage_day = (line.interval_start at time zone v_utc)::date
        where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
            and line.node <> ''
        group by asked.usage_day, asked.namespace, asked.pod, line.interval_start, line.node
    ),
    pod_hours as (
        select
            usage_day,
            namespace,
            pod,
            interval_start,
            array_agg(node) as nodes
        from pod_nodes
        group by usage_day, namespace, pod, interval_start
    ),
    chosen as (
        select
            usage_day,
            namespace,
            pod,
            interval_start,
            (ocp_chosen_node(nodes) over (partition by usage_day, namespace, pod order by interval_start desc))[1] as node
        from pod_hours
    ),
    placed as (
        select
            *,
            lag(node) over pod_day as node_before,
            lag(resource_id) over pod_day as resource_id_before
        from chosen
        join pod_nodes using (usage_day, namespace, pod, interval_start, node)
        window pod_day as (partition by usage_day, namespace, pod order by interval_start)
    ),
    starts as (
        select *
        from placed
        where node_before is distinct from node
            or resource_id_before is distinct from resource_id
    )
    select
        usage_day,
        namespace,
        pod,
        node,
        resource_id,
        case when node_before is null then usage_day::timestamp at time zone 'UTC' else interval_start end,
        coalesce(
            lead(interval_start) over (partition by usage_day, namespace, pod order by interval_start),
            (usage_day + 1)::timestamp at time zone 'UTC'
        )
    from starts;
end
$$;
comment on function ocp_pod_spans(uuid, date[], text[], text[]) is
'Which node each of these pods was on in which part of the day; from_time is included, until_time is not.';
