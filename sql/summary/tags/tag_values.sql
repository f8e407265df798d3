-- summary/tags/tag_values.sql
-- Purpose  reporting_ocptags_values: where each value of an enabled key occurs, over all sources and months of the
--          tenant
-- Reads    both label summaries, reporting_ocpusagereportperiod, public.api_provider
-- Writes   reporting_ocptags_values   grain: key × value; arrays sorted
-- Locks    the caller holds the tenant's lock of this table, taken before the statement began: of two sources the
--          second then sees what the first wrote
-- Rerun    rows become what the label summaries hold; only rows that differ are written
with label_rows as (
    select
        key,
        "values",
        namespace,
        node,
        report_period_id
    from reporting_ocpusagepodlabel_summary
    union all
    select
        key,
        "values",
        namespace,
        node,
        report_period_id
    from reporting_ocpstoragevolumelabel_summary
),
occurrences as (
    select
        label_rows.key,
        listed.value,
        period.cluster_id,
        coalesce(provider.name, period.cluster_alias, period.cluster_id) as cluster_alias,
        label_rows.namespace,
        label_rows.node
    from label_rows
    join reporting_enabledtagkeys as enabled
        on enabled.key = label_rows.key
        and enabled.enabled
        and enabled.provider_type = 'OCP'
    join reporting_ocpusagereportperiod as period on period.id = label_rows.report_period_id
    left join public.api_provider as provider on provider.uuid = period.provider_id
    cross join lateral unnest(label_rows."values") as listed (value)
),
fresh as (
    select
        key,
        value,
        array_agg(distinct cluster_id::text collate "C" order by cluster_id::text collate "C") as cluster_ids,
        array_agg(distinct cluster_alias::text collate "C" order by cluster_alias::text collate "C") as cluster_aliases,
        array_agg(distinct namespace collate "C" order by namespace collate "C") as namespaces,
        array_agg(distinct node collate "C" order by node collate "C") filter (where node is not null) as nodes
    from occurrences
    group by key, value
),
removed as (
    delete from reporting_ocptags_values as stored
    where not exists (
        select 1
        from fresh
        where fresh.key = stored.key
            and fresh.value = stored.value
    )
)
insert into reporting_ocptags_values (uuid, key, value, cluster_ids, cluster_aliases, namespaces, nodes)
select
    gen_random_uuid(),
    fresh.key,
    fresh.value,
    fresh.cluster_ids,
    fresh.cluster_aliases,
    fresh.namespaces,
    fresh.nodes
from fresh
left join reporting_ocptags_values as known
    on known.key = fresh.key
    and known.value = fresh.value
where known.uuid is null
    or known.cluster_ids <> fresh.cluster_ids
    or known.cluster_aliases <> fresh.cluster_aliases
    or known.namespaces <> fresh.namespaces
    or known.nodes is distinct from fresh.nodes
order by
    fresh.key collate "C",
    fresh.value collate "C"
on conflict (key, value) do update
set cluster_ids = excluded.cluster_ids,
    cluster_aliases = excluded.cluster_aliases,
    namespaces = excluded.namespaces,
    nodes = excluded.nodes
