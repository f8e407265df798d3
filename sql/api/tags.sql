-- api/tags.sql
-- Purpose  label keys and their values in the report periods of some months, mapped keys under their parent
-- Reads    reporting_ocpusagepodlabel_summary, reporting_ocpstoragevolumelabel_summary, reporting_ocpusagereportperiod,
--          reporting_ocp_clusters, reporting_enabledtagkeys, reporting_tagmapping, reporting_ocp_cost_category*
-- Writes   nothing
-- Units    none
-- Params   $1 first day of the first month date   $2 last day date   $3 enabled or not boolean
--          $4 $5 $6 clusters (ids or aliases), nodes, projects of the access lists text[], NULL for all
--          $7 $8 $9 $10 patterns of cluster, project, key and category text[], NULL for all
--          $11 type pod or storage text, NULL for both   $12 keep the types apart boolean
-- Rerun    same rows, same result
with labels as (
    select
        'pod' as type,
        pods.key,
        pods.values,
        pods.namespace,
        pods.node,
        pods.report_period_id
    from reporting_ocpusagepodlabel_summary as pods
    union all
    select
        'storage' as type,
        volumes.key,
        volumes.values,
        volumes.namespace,
        volumes.node,
        volumes.report_period_id
    from reporting_ocpstoragevolumelabel_summary as volumes
),
shown as (
    select
        case when $12::boolean then labels.type end as type,
        coalesce(parent.key, labels.key) as key,
        labels.values
    from labels
    join reporting_ocpusagereportperiod as period on period.id = labels.report_period_id
    left join reporting_enabledtagkeys as own on own.key = labels.key and own.provider_type = 'OCP'
    left join reporting_tagmapping as mapping on mapping.child_id = own.uuid
    left join reporting_enabledtagkeys as parent on parent.uuid = mapping.parent_id
    where period.report_period_start >= $1::date
        and period.report_period_start <= $2::date
        and coalesce(parent.enabled, own.enabled, false) = $3::boolean
        and ($11::text is null or labels.type = $11::text)
        and (
            $4::text[] is null
            or exists (
                select
                from reporting_ocp_clusters as cluster
                where cluster.cluster_id = period.cluster_id
                    and (cluster.cluster_id = any($4::text[]) or cluster.cluster_alias = any($4::text[]))
            )
        )
        and ($5::text[] is null or labels.node = any($5::text[]))
        and ($6::text[] is null or labels.namespace = any($6::text[]))
        and (
            $7::text[] is null
            or exists (
                select
                from reporting_ocp_clusters as cluster
                where cluster.cluster_id = period.cluster_id
                    and (cluster.cluster_id ilike any($7::text[]) or cluster.cluster_alias ilike any($7::text[]))
            )
        )
        and ($8::text[] is null or labels.namespace ilike any($8::text[]))
        and ($9::text[] is null or coalesce(parent.key, labels.key) ilike any($9::text[]))
        and (
            $10::text[] is null
            or exists (
                select
                from reporting_ocp_cost_category_namespace as pattern
                join reporting_ocp_cost_category as category on category.id = pattern.cost_category_id
                where labels.namespace like pattern.namespace
                    and category.name ilike any($10::text[])
            )
        )
)
select
    shown.key,
    shown.type,
    coalesce(
        array_agg(distinct (value.text)::text collate "C" order by (value.text)::text collate "C")
        filter (where value.text is not null),
        '{}'
    ) as values
from shown
left join lateral unnest(shown.values) as value (text) on true
group by
    shown.key,
    shown.type
order by
    shown.key collate "C",
    shown.type collate "C"
