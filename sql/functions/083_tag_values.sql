-- functions/083_tag_values.sql
-- Purpose  add to the tenant's tag values what the label summaries of one source gained
-- Reads    ocp_label_changes (temporary, 081), reporting_ocpusagereportperiod, public.api_provider
-- Writes   reporting_ocptags_values   grain: key × value; arrays sorted
-- Why      tag values cover all clusters and months: what a day adds is added without reading the rest again. Removals
--          (a value gone, a key disabled, a cluster renamed) are left to tags/tag_values.sql.
-- Plans    groups are hashed, and their few names sorted afterwards: sorting all rows by four texts takes twice as long
-- Locks    the caller holds the tenant's lock of this table, acquired before the statement began
-- Rerun    a known value is left alone

create or replace function ocp_sorted_union(p_known text[], p_more text[]) returns text[]
language sql immutable parallel safe
as $$
    select array_agg(distinct value collate "C" order by value collate "C")
    from unnest(p_known || p_more) as listed (value)
$$;
comment on function ocp_sorted_union(text[], text[]) is 'Elements of both arrays, each once, sorted; NULL when there are none.';

create or replace function ocp_add_tag_values(p_report_period_id integer)
returns void
language plpgsql
set search_path from current
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set jit = off
as $$
declare
    v_cluster_id text;
    v_cluster_alias text;
begin
    select
        period.cluster_id,
        coalesce(provider.name, period.cluster_alias, period.cluster_id)
    into v_cluster_id, v_cluster_alias
    from reporting_ocpusagereportperiod as period
    left join public.api_provider as provider on provider.uuid = period.provider_id
    where period.id = p_report_period_id;

    with collected as (
        select
            key,
            value,
            array_agg(namespace) as namespaces,
            array_agg(node) filter (where node is not null) as nodes
        from (select key, namespace, node, old_values, unnest(new_values) as value from ocp_label_changes) as changed
        where old_values is null
            or not value = any(old_values)
        group by key, value
    ),
    gained as (
        select
            key,
            value,
            case cardinality(namespaces)
                when 1 then namespaces
                else array(select distinct name collate "C" from unnest(namespaces) as listed (name) order by 1)
            end as namespaces,
            case
                when cardinality(nodes) > 1
                    then array(select distinct name collate "C" from unnest(nodes) as listed (name) order by 1)
                else nodes
            end as nodes
        from collected
    ),
    united as (
        select
            gained.key,
            gained.value,
            known.uuid,
            known.cluster_ids as known_ids,
            known.cluster_aliases as known_aliases,
            known.namespaces as known_namespaces,
            known.nodes as known_nodes,
            case
                when known.uuid is null then array[v_cluster_id]
                else ocp_sorted_union(known.cluster_ids, array[v_cluster_id])
            end as cluster_ids,
            case
                when known.uuid is null then array[v_cluster_alias]
                else ocp_sorted_union(known.cluster_aliases, array[v_cluster_alias])
            end as cluster_aliases,
            case
                when known.uuid is null then gained.namespaces
                else ocp_sorted_union(known.namespaces, gained.namespaces)
            end as namespaces,
            case
                when known.uuid is null then gained.nodes
                else ocp_sorted_union(known.nodes, gained.nodes)
            end as nodes
        from gained
        left join reporting_ocptags_values as known
            on known.key = gained.key
            and known.value = gained.value
    )
    insert into reporting_ocptags_values (uuid, key, value, cluster_ids, cluster_aliases, namespaces, nodes)
    select
        gen_random_uuid(),
        key,
        value,
        cluster_ids,
        cluster_aliases,
        namespaces,
        nodes
    from united
    where uuid is null
        or known_ids <> cluster_ids
        or known_aliases <> cluster_aliases
        or known_namespaces <> namespaces
        or known_nodes is distinct from nodes
    order by
        key collate "C",
        value collate "C"
    on conflict (key, value) do update
    set cluster_ids = excluded.cluster_ids,
        cluster_aliases = excluded.cluster_aliases,
        namespaces = excluded.namespaces,
        nodes = excluded.nodes;
end
$$;
comment on function ocp_add_tag_values(integer) is
'Adds the values that the label summaries of a period gained to the tag values of the tenant.';
