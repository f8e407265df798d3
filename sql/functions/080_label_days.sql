-- functions/080_label_days.sql
-- Purpose  record which label maps the rebuilt days contain, before tag mapping renames keys
-- Reads    reporting_ocpusagelineitem_daily_summary   usage rows of Pod and Storage
-- Writes   ocp_label_days   grain: source × month × data source × namespace × node × label map
-- Plans    rows are found by the unique index, one probe each, however many clusters and months the table contains
-- Rerun    the bits of the days are recomputed, other days' bits stay; same input gives same rows

create or replace function ocp_record_label_days(p_source_uuid uuid, p_month date, p_days date[])
returns void
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_sort = off
set jit = off
as $$
declare
    v_rebuilt integer := (
        select bit_or(1 << (extract(day from usage_day)::integer - 1))
        from unnest(p_days) as listed (usage_day)
    );
begin
    with seen as (
        select
            usage.data_source,
            usage.namespace,
            usage.node,
            map.labels,
            bit_or(1 << (extract(day from usage.usage_start)::integer - 1)) as day_mask
        from reporting_ocpusagelineitem_daily_summary as usage
        cross join lateral (
            select case usage.data_source when 'Pod' then usage.pod_labels else usage.volume_labels end as labels
        ) as map
        where usage.source_uuid = p_source_uuid
            and usage.usage_start = any(p_days)
            and usage.data_source in ('Pod', 'Storage')
            and ocp_is_usage_row(usage.cost_model_rate_type, usage.infrastructure_raw_cost)
            and coalesce(usage.infrastructure_project_raw_cost, 0) = 0
            and usage.namespace is not null
            and map.labels <> '{}'
        group by usage.data_source, usage.namespace, usage.node, map.labels
    ),
    hashed as (
        select
            seen.data_source,
            seen.namespace,
            seen.node,
            md5(seen.labels::text)::uuid as labels_hash,
            seen.labels,
            seen.day_mask
        from seen
    ),
    compared as (
        select
            coalesce(hashed.data_source, known.data_source) as data_source,
            coalesce(hashed.namespace, known.namespace) as namespace,
            coalesce(hashed.node, known.node) as node,
            coalesce(hashed.labels_hash, known.labels_hash) as labels_hash,
            coalesce(hashed.labels, known.labels) as labels,
            known.day_mask as known_mask,
            (coalesce(known.day_mask, 0) & ~v_rebuilt) | coalesce(hashed.day_mask, 0) as day_mask
        from (
            select data_source, namespace, node, labels_hash, labels, day_mask
            from ocp_label_days
            where source_uuid = p_source_uuid
                and billing_month = p_month
        ) as known
        full join hashed
            on hashed.data_source = known.data_source
            and hashed.namespace = known.namespace
            -- NULL equals NULL here, in a form that can be hashed.
            and coalesce(hashed.node, '') = coalesce(known.node, '')
            and (hashed.node is null) = (known.node is null)
            and hashed.labels_hash = known.labels_hash
    )
    insert into ocp_label_days as stored (
        source_uuid, billing_month, data_source, namespace, node, labels_hash, labels, day_mask
    )
    select
        p_source_uuid,
        p_month,
        data_source,
        namespace,
        node,
        labels_hash,
        labels,
        day_mask
    from compared
    where known_mask is distinct from day_mask
    -- In the order of the index: each of its pages is filled once.
    order by data_source, namespace, node, labels_hash
    on conflict (source_uuid, billing_month, data_source, namespace, node, labels_hash) do update
    set day_mask = excluded.day_mask;

    delete from ocp_label_days
    where source_uuid = p_source_uuid
        and billing_month = p_month
        and day_mask = 0;
end
$$;
comment on function ocp_record_label_days(uuid, date, date[]) is
'Notes the label maps of rebuilt days of a month, not mapped yet; takes back what the days no longer hold.';
