-- tags/pod_label_summary.sql
-- Purpose  reporting_ocpusagepodlabel_summary: enabled labels of pods in a month
-- Reads    ocp_label_days, reporting_enabledtagkeys
-- Writes   reporting_ocpusagepodlabel_summary   grain: report period × key × namespace × node; values sorted
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 report_period_id integer
--          $4 boolean: also keep the values stored, because another writer's days of the month are not in ocp_label_days
-- Returns  changed_row_count
-- Rerun    rows of the period become what the month holds; only rows that differ are written
with enabled as (
    select key
    from reporting_enabledtagkeys
    where enabled
        and provider_type = 'OCP'
),
known as (
    select
        uuid,
        key,
        namespace,
        node,
        "values",
        -- The unique constraint lets equal rows without a node pile up.
        row_number() over (partition by key, namespace, node order by uuid) as copy
    from reporting_ocpusagepodlabel_summary
    where report_period_id = $3
),
label_values as (
    select
        key,
        namespace,
        node,
        value
    from ocp_label_days
    where source_uuid = $1
        and billing_month = $2::date
        and data_source = 'Pod'
    union all
    select
        key,
        namespace,
        node,
        unnest("values")
    from known
    where $4
),
fresh as (
    select
        key,
        namespace,
        node,
        array_agg(distinct value collate "C" order by value collate "C") as "values"
    from label_values
    join enabled using (key)
    group by key, namespace, node
),
compared as (
    select
        known.uuid,
        fresh.key,
        fresh.namespace,
        fresh.node,
        fresh."values"
    from (select uuid, key, namespace, node, "values" from known where copy = 1) as known
    -- NULL equals NULL here, in a form that can be hashed.
    full join fresh
        on fresh.key = known.key
        and fresh.namespace = known.namespace
        and coalesce(fresh.node, '') = coalesce(known.node, '')
        and (fresh.node is null) = (known.node is null)
    where fresh."values" is distinct from known."values"
),
removed as (
    delete from reporting_ocpusagepodlabel_summary
    where uuid in (select uuid from compared where key is null)
        or uuid in (select uuid from known where copy > 1)
    returning uuid
),
changed as (
    update reporting_ocpusagepodlabel_summary as stored
    set "values" = compared."values"
    from compared
    where stored.uuid = compared.uuid
        and compared.key is not null
    returning stored.uuid
),
added as (
    insert into reporting_ocpusagepodlabel_summary (uuid, key, "values", namespace, node, report_period_id)
    select
        gen_random_uuid(),
        key,
        "values",
        namespace,
        node,
        $3
    from compared
    where uuid is null
    returning uuid
)
select
    (select count(*) from removed)
    + (select count(*) from changed)
    + (select count(*) from added) as changed_row_count
