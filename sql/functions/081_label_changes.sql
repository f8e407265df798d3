-- functions/081_label_changes.sql
-- Purpose  compare the month's label summaries with its days
-- Reads    ocp_label_days, reporting_enabledtagkeys, reporting_ocpusagepodlabel_summary,
--          reporting_ocpstoragevolumelabel_summary
-- Writes   ocp_label_changes (temporary)   grain: data source × key × namespace × node; only rows that differ: uuid
--          NULL is a new row, new_values NULL a removed one
-- Plans    The unique index of the label summaries begins with the key: their keys are listed by skipping through it
--          (082), so that a period is found without reading the others.
-- Rerun    replaces the table, which ends with the transaction

-- Keys in a label summary, over all periods: one index probe per key.
create or replace function ocp_pod_label_keys() returns text[]
language sql stable
set search_path from current
set enable_seqscan = off
as $$
    with recursive listed (key) as (
        (select key from reporting_ocpusagepodlabel_summary order by key limit 1)
        union all
        select (
            select later.key
            from reporting_ocpusagepodlabel_summary as later
            where later.key > listed.key
            order by later.key
            limit 1
        )
        from listed
        where listed.key is not null
    )
    select coalesce(array_agg(key), '{}')
    from listed
    where key is not null
$$;
comment on function ocp_pod_label_keys() is 'Keys in the label summary of pods, sorted.';

create or replace function ocp_volume_label_keys() returns text[]
language sql stable
set search_path from current
set enable_seqscan = off
as $$
    with recursive listed (key) as (
        (select key from reporting_ocpstoragevolumelabel_summary order by key limit 1)
        union all
        select (
            select later.key
            from reporting_ocpstoragevolumelabel_summary as later
            where later.key > listed.key
            order by later.key
            limit 1
        )
        from listed
        where listed.key is not null
    )
    select coalesce(array_agg(key), '{}')
    from listed
    where key is not null
$$;
comment on function ocp_volume_label_keys() is 'Keys in the label summary of volumes, sorted.';

create or replace function ocp_compare_labels(
    p_source_uuid uuid, p_month date, p_report_period_id integer, p_keep_stored boolean
)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set enable_sort = off
set jit = off
as $$
declare
    v_pod_keys text[] := ocp_pod_label_keys();
    v_volume_keys text[] := ocp_volume_label_keys();
    v_enabled_keys text[] := array(
        select key
        from reporting_enabledtagkeys
        where enabled
            and provider_type = 'OCP'
    );
begin
    drop table if exists pg_temp.ocp_label_changes;
    create temporary table ocp_label_changes on commit drop as
    with stored as (
        select 'Pod' as data_source, uuid, key, namespace, node, "values"
        from reporting_ocpusagepodlabel_summary
        where key = any(v_pod_keys)
            and report_period_id = p_report_period_id
        union all
        select 'Storage', uuid, key, namespace, node, "values"
        from reporting_ocpstoragevolumelabel_summary
        where key = any(v_volume_keys)
            and report_period_id = p_report_period_id
    ),
    label_values as (
        select
            days.data_source,
            label.key,
            days.namespace,
            days.node,
            label.value
        from ocp_label_days as days
        cross join lateral jsonb_each_text(days.labels) as label
        where days.source_uuid = p_source_uuid
            and days.billing_month = p_month
            and label.key = any(v_enabled_keys)
            and label.value is not null
            -- Longer ones fit in no index entry of Koku's tables; Kubernetes' own limits are far below.
            and octet_length(label.key) + octet_length(label.value)
                + octet_length(days.namespace) + octet_length(coalesce(days.node, '')) <= 2500
        union
        select
            data_source,
            key,
            namespace,
            node,
            unnest("values")
        from stored
        where p_keep_stored
            and key = any(v_enabled_keys)
    ),
    collected as (
        select
            data_source,
            key,
            namespace,
            node,
            array_agg(value) as "values"
        from label_values
        group by data_source, key, namespace, node
    ),
    fresh as (
        select
            data_source,
            key,
            namespace,
            node,
            case cardinality("values")
                when 1 then "values"
                else array(select value from unnest("values") as listed (value) order by value collate "C")
            end as "values"
        from collected
    )
    select
        coalesce(fresh.data_source, stored.data_source) as data_source,
        stored.uuid,
        coalesce(fresh.key, stored.key) as key,
        coalesce(fresh.namespace, stored.namespace) as namespace,
        coalesce(fresh.node, stored.node) as node,
        stored."values" as old_values,
        fresh."values" as new_values
    from stored
    -- NULL equals NULL here, in a form that can be hashed.
    full join fresh
        on fresh.data_source = stored.data_source
        and fresh.key = stored.key
        and fresh.namespace = stored.namespace
        and coalesce(fresh.node, '') = coalesce(stored.node, '')
        and (fresh.node is null) = (stored.node is null)
    where fresh."values" is distinct from stored."values";

    -- The unique constraint lets equal rows without a node pile up.
    insert into ocp_label_changes (data_source, uuid, key, namespace, old_values)
    select copies.data_source, copies.uuid, copies.key, copies.namespace, copies."values"
    from (
        select
            stored.*,
            row_number() over (partition by stored.data_source, stored.key, stored.namespace order by stored.uuid) as copy
        from (
            select 'Pod' as data_source, uuid, key, namespace, "values"
            from reporting_ocpusagepodlabel_summary
            where key = any(v_pod_keys)
                and report_period_id = p_report_period_id
                and node is null
            union all
            select 'Storage', uuid, key, namespace, "values"
            from reporting_ocpstoragevolumelabel_summary
            where key = any(v_volume_keys)
                and report_period_id = p_report_period_id
                and node is null
        ) as stored
    ) as copies
    where copies.copy > 1;
end
$$;
comment on function ocp_compare_labels(uuid, date, integer, boolean) is
'Puts the rows in which the month''s label summaries differ from its days into the temporary table ocp_label_changes.';
