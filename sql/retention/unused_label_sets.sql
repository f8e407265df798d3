-- retention/unused_label_sets.sql
-- Purpose  remove one batch of label sets that no load used for 48 hours and neither a staging row nor a daily
--          relation refers to
-- Reads    the staging tables and daily relations of all kinds that have labels, once each, and not at all when no set
--          is that old
-- Writes   ocp_label_set
-- Grain    one row: how many were checked, how many removed, and the last id checked (NULL: none left)
-- Locks    a set that a load uses meanwhile has a newer last_used_at and stays: the condition is checked again on the
--          row to be deleted
-- Params   $1 id to start after bigint   $2 batch size integer
with candidates as materialized (
    select label_set_id
    from ocp_label_set
    where last_used_at < now() - interval '48 hours'
        and label_set_id > $1
    order by label_set_id
    limit $2
),
used as (
    select staging.label_set_id
    from candidates
    join reporting_ocpusagelineitem_pod_staging as staging using (label_set_id)
    union
    select staging.persistentvolume_label_set_id
    from candidates
    join reporting_ocpusagelineitem_storage_staging as staging
        on staging.persistentvolume_label_set_id = candidates.label_set_id
    union
    select staging.persistentvolumeclaim_label_set_id
    from candidates
    join reporting_ocpusagelineitem_storage_staging as staging
        on staging.persistentvolumeclaim_label_set_id = candidates.label_set_id
    union
    select staging.label_set_id
    from candidates
    join reporting_ocpusagelineitem_node_labels_staging as staging using (label_set_id)
    union
    select staging.label_set_id
    from candidates
    join reporting_ocpusagelineitem_namespace_labels_staging as staging using (label_set_id)
    union
    select staging.label_set_id
    from candidates
    join reporting_ocpusagelineitem_vm_staging as staging using (label_set_id)
    union
    select relation.label_set_id
    from candidates
    join ocp_pod_day as relation using (label_set_id)
    union
    select relation.persistentvolume_label_set_id
    from candidates
    join ocp_claim_day as relation
        on relation.persistentvolume_label_set_id = candidates.label_set_id
    union
    select relation.persistentvolumeclaim_label_set_id
    from candidates
    join ocp_claim_day as relation
        on relation.persistentvolumeclaim_label_set_id = candidates.label_set_id
    union
    select relation.label_set_id
    from candidates
    join ocp_node_label_day as relation using (label_set_id)
    union
    select relation.label_set_id
    from candidates
    join ocp_namespace_label_day as relation using (label_set_id)
    union
    select relation.label_set_id
    from candidates
    join ocp_vm_day as relation using (label_set_id)
),
removed as (
    delete from ocp_label_set as stored
    using candidates
    where stored.label_set_id = candidates.label_set_id
        and stored.last_used_at < now() - interval '48 hours'
        and not exists (
            select 1
            from used
            where used.label_set_id = candidates.label_set_id
        )
    returning stored.label_set_id
)
select
    (select count(*) from candidates) as looked_at_count,
    (select count(*) from removed) as removed_count,
    (select max(label_set_id) from candidates) as last_id
