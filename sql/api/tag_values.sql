-- api/tag_values.sql
-- Purpose  values of a label key that contain a text, of all time: those that begin with it first
-- Reads    reporting_ocptags_values, reporting_ocp_clusters
-- Writes   nothing
-- Units    none
-- Params   $1 key text   $2 pattern of what is contained text   $3 pattern of what it begins with text
--          $4 $5 $6 clusters (ids or aliases), nodes, projects of the access lists text[], NULL for all: a value is
--          shown if it is nowhere else
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
order by
    (tags.value ilike $3::text) desc,
    lower(tags.value) collate "C",
    tags.value collate "C"
