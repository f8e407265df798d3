-- functions/040_dimensions.sql
-- Purpose  clusters, projects and volume claims seen in a range of days; nodes are in functions/041
-- Reads    ocp_pod_day, ocp_claim_day
-- Writes   reporting_ocp_clusters, reporting_ocp_projects, reporting_ocp_pvcs
-- Rerun    upserts; project and claim rows only grow

drop function if exists ocp_record_dimensions(text, text, uuid);

create or replace function ocp_record_dimensions(
    p_start_date date, p_end_date date, p_cluster_id text, p_cluster_alias text, p_source_uuid uuid
)
returns void
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
declare
    v_cluster_uuid uuid;
    v_other_uuids uuid[];
begin
    select uuid
    into v_cluster_uuid
    from reporting_ocp_clusters
    where provider_id = p_source_uuid
        and cluster_id = p_cluster_id
    order by cluster_alias is not distinct from p_cluster_alias desc, uuid
    limit 1;

    v_other_uuids := array(
        select uuid
        from reporting_ocp_clusters
        where provider_id = p_source_uuid
            and cluster_id = p_cluster_id
            and uuid <> v_cluster_uuid
    );

    if v_cluster_uuid is null then
        insert into reporting_ocp_clusters (uuid, cluster_id, cluster_alias, provider_id)
        values (gen_random_uuid(), p_cluster_id, p_cluster_alias, p_source_uuid)
        returning uuid into v_cluster_uuid;
    else
        -- Rows of the same cluster under other aliases, which Koku leaves behind: reports would show either. What hangs
        -- on them is entered again for the row that stays.
        if cardinality(v_other_uuids) > 0 then
            delete from reporting_ocp_nodes
            where cluster_id = any(v_other_uuids);
            delete from reporting_ocp_projects
            where cluster_id = any(v_other_uuids);
            delete from reporting_ocp_pvcs
            where cluster_id = any(v_other_uuids);
            delete from reporting_ocp_clusters
            where uuid = any(v_other_uuids);
        end if;

        update reporting_ocp_clusters
        set cluster_alias = p_cluster_alias
        where uuid = v_cluster_uuid
            and cluster_alias is distinct from p_cluster_alias;
    end if;

    insert into reporting_ocp_projects (uuid, project, cluster_id)
    select
        gen_random_uuid(),
        pod_namespace.namespace,
        v_cluster_uuid
    from (
        select distinct line.namespace
        from ocp_pod_day as line
        where line.source_uuid = p_source_uuid
            and line.usage_day between p_start_date and p_end_date
            and line.namespace <> ''
    ) as pod_namespace
    on conflict (project, cluster_id) do nothing;

    insert into reporting_ocp_pvcs as known (uuid, persistent_volume, persistent_volume_claim, csi_volume_handle, cluster_id)
    select
        gen_random_uuid(),
        line.persistentvolume,
        line.persistentvolumeclaim,
        max(nullif(line.csi_volume_handle, '') collate "C"),
        v_cluster_uuid
    from ocp_claim_day as line
    where line.source_uuid = p_source_uuid
        and line.usage_day between p_start_date and p_end_date
    group by line.persistentvolume, line.persistentvolumeclaim
    on conflict (persistent_volume, persistent_volume_claim, cluster_id) do update
    set csi_volume_handle = excluded.csi_volume_handle
    where coalesce(known.csi_volume_handle, '') = ''
        and excluded.csi_volume_handle is not null;
end
$$;
comment on function ocp_record_dimensions(date, date, text, text, uuid) is
'Step of ocp_summarise_days: adds clusters, projects and volume claims of the range.';
