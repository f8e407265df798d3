-- functions/041_nodes.sql
-- Purpose  nodes seen in a range of days, with the role and architecture of the latest day that tells them
-- Reads    ocp_pod_day; ocp_day_nodes (temporary)
-- Writes   ocp_node_day          grain: source × node × resource × cores × UTC day
--          reporting_ocp_nodes   grain: cluster × node × resource × cores
-- Why      a row of reporting_ocp_nodes combines many days, which arrive in any order, are corrected and are withdrawn.
--          What each day reported is stored, so that the row does not depend on the order of arrival, and if a day is
--          withdrawn, the previous day applies. A row is removed only if every day that contained it was corrected or
--          withdrawn.
-- Rerun    replaces the range's days; same input gives same rows

-- The role that a day's own rows give a node, or NULL. control-plane, the name that replaces master, counts as master.
create or replace function ocp_node_role(
    p_greatest_role text, p_is_control_plane boolean, p_runs_api_server boolean, p_is_infra boolean
)
returns text
language sql immutable parallel safe
as $$
    select case
        when p_is_control_plane and p_greatest_role collate "C" < 'master' then 'control-plane'
        when p_greatest_role is not null then p_greatest_role
        when p_runs_api_server then 'master'
        when p_is_infra then 'infra'
    end
$$;
comment on function ocp_node_role(text, boolean, boolean, boolean) is
'Role of a node: the greatest that was sent (by bytes, control-plane as master), else master with an API server, else infra by label, else NULL.';

create or replace function ocp_record_nodes(p_start_date date, p_end_date date, p_cluster_id text, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
    v_cluster_uuid uuid := (
        select uuid
        from reporting_ocp_clusters
        where provider_id = p_source_uuid
            and cluster_id = p_cluster_id
    );
begin
    drop table if exists pg_temp.ocp_seen_nodes;
    create temporary table ocp_seen_nodes on commit drop as
    select
        pods.usage_day,
        pods.node,
        pods.resource_id,
        pods.cores,
        ocp_node_role(pods.sent_role, pods.is_control_plane, pods.runs_api_server, labels.is_infra) as node_role,
        labels.architecture
    from (
        select
            usage_day,
            node,
            coalesce(resource_id, '') as resource_id,
            -- Rounded as the column is: an unrounded value would never find the row it made. Through text, which has
            -- all digits: a plain cast rounds to 15, and the greatest capacity that is taken in would not fit any more.
            -- What does not fit is refused when it is taken in; older staging that holds it stops the rebuild.
            round(max(capacity_cores)::text::numeric, 2)::numeric(18, 2) as cores,
            max(node_role collate "C") collate "default" as sent_role,
            bool_or(is_control_plane) as is_control_plane,
            bool_or(namespace = 'openshift-kube-apiserver') as runs_api_server
        from ocp_pod_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
            and node <> ''
        group by usage_day, node, coalesce(resource_id, '')
    ) as pods
    left join ocp_day_nodes as labels using (usage_day, node);

    drop table if exists pg_temp.ocp_touched_nodes;
    create temporary table ocp_touched_nodes on commit drop as
    select
        node,
        resource_id,
        cores
    from ocp_node_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date
    union
    select
        node,
        resource_id,
        cores
    from ocp_seen_nodes;

    -- What is there without a day of ours, from Koku or an earlier version, holds until a day says something else.
    insert into ocp_node_day (source_uuid, node, resource_id, cores, usage_day, node_role, architecture)
    select
        p_source_uuid,
        known.node,
        touched.resource_id,
        touched.cores,
        '-infinity',
        max(nullif(known.node_role, '') collate "C"),
        max(nullif(known.architecture, '') collate "C")
    from reporting_ocp_nodes as known
    join ocp_touched_nodes as touched
        on touched.node = known.node
        and touched.resource_id = coalesce(known.resource_id, '')
        and touched.cores = known.node_capacity_cpu_cores
    where known.cluster_id = v_cluster_uuid
        and not exists (
            select 1
            from ocp_node_day as node_day
            where node_day.source_uuid = p_source_uuid
                and node_day.node = touched.node
                and node_day.resource_id = touched.resource_id
                and node_day.cores = touched.cores
        )
    group by known.node, touched.resource_id, touched.cores;

    delete from ocp_node_day as node_day
    where node_day.source_uuid = p_source_uuid
        and node_day.usage_day between p_start_date and p_end_date
        and not exists (
            select 1
            from ocp_seen_nodes as seen
            where seen.usage_day = node_day.usage_day
                and seen.node = node_day.node
                and seen.resource_id = node_day.resource_id
                and seen.cores = node_day.cores
        );

    insert into ocp_node_day as known (source_uuid, node, resource_id, cores, usage_day, node_role, architecture)
    select
        p_source_uuid,
        node,
        resource_id,
        cores,
        usage_day,
        node_role,
        architecture
    from ocp_seen_nodes
    on conflict (source_uuid, node, resource_id, cores, usage_day) do update
    set node_role = excluded.node_role,
        architecture = excluded.architecture
    where known.node_role is distinct from excluded.node_role
        or known.architecture is distinct from excluded.architecture;

    with answers as materialized (
        select
            touched.node,
            touched.resource_id,
            touched.cores,
            exists (
                select 1
                from ocp_node_day as day
                where (day.source_uuid, day.node, day.resource_id, day.cores)
                    = (p_source_uuid, touched.node, touched.resource_id, touched.cores)
            ) as is_seen,
            coalesce(
                (
                    select day.node_role
                    from ocp_node_day as day
                    where (day.source_uuid, day.node, day.resource_id, day.cores)
                        = (p_source_uuid, touched.node, touched.resource_id, touched.cores)
                        and day.node_role is not null
                    order by day.usage_day desc
                    limit 1
                ),
                'worker'
            ) as node_role,
            (
                select day.architecture
                from ocp_node_day as day
                where (day.source_uuid, day.node, day.resource_id, day.cores)
                    = (p_source_uuid, touched.node, touched.resource_id, touched.cores)
                    and day.architecture is not null
                order by day.usage_day desc
                limit 1
            ) as architecture
        from ocp_touched_nodes as touched
    ),
    removed as (
        delete from reporting_ocp_nodes as known
        using answers
        where known.cluster_id = v_cluster_uuid
            and known.node = answers.node
            and coalesce(known.resource_id, '') = answers.resource_id
            and known.node_capacity_cpu_cores = answers.cores
            and not answers.is_seen
    ),
    corrected as (
        update reporting_ocp_nodes as known
        set node_role = answers.node_role,
            architecture = answers.architecture
        from answers
        where known.cluster_id = v_cluster_uuid
            and known.node = answers.node
            and coalesce(known.resource_id, '') = answers.resource_id
            and known.node_capacity_cpu_cores = answers.cores
            and answers.is_seen
            and (
                known.node_role is distinct from answers.node_role
                or known.architecture is distinct from answers.architecture
            )
    )
    insert into reporting_ocp_nodes (uuid, node, resource_id, node_capacity_cpu_cores, node_role, architecture, cluster_id)
    select
        gen_random_uuid(),
        answers.node,
        answers.resource_id,
        answers.cores,
        answers.node_role,
        answers.architecture,
        v_cluster_uuid
    from answers
    where answers.is_seen
        and not exists (
            select 1
            from reporting_ocp_nodes as known
            where known.cluster_id = v_cluster_uuid
                and known.node = answers.node
                and coalesce(known.resource_id, '') = answers.resource_id
                and known.node_capacity_cpu_cores = answers.cores
        );
end
$$;
comment on function ocp_record_nodes(date, date, text, uuid) is
'Step of ocp_summarise_days: nodes of the range. Runs after ocp_record_dimensions and ocp_gather_labels.';
