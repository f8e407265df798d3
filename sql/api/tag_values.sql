-- api/tag_values.sql
-- Purpose  values of a label key that contain a text, of all time: those that begin with it first
-- Reads    reporting_ocptags_values, reporting_ocp_clusters, reporting_enabledtagkeys, reporting_ocp_cost_category*
-- Writes   nothing
-- Units    none
-- Params   $1 key text   $2 pattern of what is contained text   $3 pattern of what it begins with text
--          $4 $5 $6 clusters (ids or aliases), nodes, projects of the access lists text[], NULL for all: a value is
--          shown if it is nowhere else
--          $7 $8 $9 $10 patterns of cluster, project, key and category text[], NULL for all: a value is shown if it is
--          there, too   $11 of enabled keys, or of others boolean
-- Rerun    same rows, same result
select tags.value
from reporting_ocptags_values as tags
where tags.key = $1::text
    and tags.value ilike $2::text
    and (
        $4::text[] is null
        or tags.cluster_ids <@ array(
            select cluster.cluster_id
            from reporting_ocp_clusters as cluster
            where cluster.cluster_id = any($4::text[])
                or cluster.cluster_alias = any($4::text[])
        )
    )
    and ($5::text[] is null or coalesce(tags.nodes, '{}') <@ $5::text[])
    and ($6::text[] is null or tags.namespaces <@ $6::text[])
    and (
        $7::text[] is null
        or tags.cluster_ids && array(
            select cluster.cluster_id
            from reporting_ocp_clusters as cluster
            where cluster.cluster_id ilike any($7::text[])
                or cluster.cluster_alias ilike any($7::text[])
        )
    )
    and (
        $8::text[] is null
        or exists (
            select
            from unnest(tags.namespaces) as used (namespace)
            where used.namespace ilike any($8::text[])
        )
    )
    and ($9::text[] is null or tags.key ilike any($9::text[]))
    and (
        $10::text[] is null
        or exists (
            select
            from unnest(tags.namespaces) as used (namespace)
            join reporting_ocp_cost_category_namespace as pattern on used.namespace like pattern.namespace
            join reporting_ocp_cost_category as category on category.id = pattern.cost_category_id
            where category.name ilike any($10::text[])
        )
    )
    and exists (
        select
        from reporting_enabledtagkeys as own
        where own.key = tags.key
            and own.provider_type = 'OCP'
            and own.enabled = $11::boolean
    )
order by
    (tags.value ilike $3::text) desc,
    lower(tags.value) collate "C",
    tags.value collate "C"
