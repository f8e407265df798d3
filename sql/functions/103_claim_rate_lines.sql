-- functions/103_claim_rate_lines.sql
-- Purpose  monthly price of volume claims, plain and by a label of the volume
-- Formula  pvc_cost_per_month   1 / claims of the namespace that day / D · price, once per claim: a claim with several
--              rows (shared, moved) has it divided over them by their capacity in GiB-months → volume
--          By label: claims of the namespace that have the key; a value that is not listed has the default, if there is
--          one
-- Unit     months of a claim; D = days of the month
-- Domain   §8.3, §8.5; traps 33, 34
-- Reads    daily summary: storage rows without rate type that have a namespace, a claim and a capacity
-- Grain    day × node × namespace × claim × volume × labels × category × rate
-- Rerun    repeatable definition

create or replace function ocp_claim_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 10000
set search_path from current
set enable_mergejoin = off
set enable_nestloop = off
set jit = off
as $$
    with price as materialized (
        select
            price_list_id,
            rate_id,
            cost_type,
            -- None: all claims count.
            '' as tag_key,
            null::text as tag_value,
            null::text[] as listed_values,
            unit_price
        from ocp_monthly_prices(p_source_uuid, p_days[1], array['pvc_cost_per_month'])
        union all
        select
            price_list_id,
            rate_id,
            cost_type,
            tag_key,
            tag_value,
            listed_values,
            unit_price
        from ocp_tag_prices(p_source_uuid, p_days[1], array['pvc_cost_per_month'])
    ),
    key_days as materialized (
        select
            usage_start,
            namespace,
            node,
            persistentvolumeclaim,
            persistentvolume,
            volume_labels,
            cost_category_id,
            max(resource_id collate "C") as resource_id,
            max(storageclass collate "C") as storageclass,
            sum(persistentvolumeclaim_capacity_gigabyte_months) as capacity
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and data_source = 'Storage'
            and cost_model_rate_type is null
            and monthly_cost_type is null
            and namespace is not null
            and persistentvolumeclaim <> ''
            and persistentvolumeclaim_capacity_gigabyte_months <> 0
            and exists (select from price)
        group by usage_start, namespace, node, persistentvolumeclaim, persistentvolume, volume_labels, cost_category_id
    ),
    -- Each way of counting claims: all of them, and those that have one of the keys.
    keyed_days as (
        select
            key.tag_key,
            day.*,
            sum(day.capacity) over (
                partition by key.tag_key, day.usage_start, day.namespace, day.persistentvolumeclaim
            ) as claim_capacity
        from key_days as day
        cross join (select distinct tag_key from price) as key
        where key.tag_key = ''
            or day.volume_labels ? key.tag_key
    ),
    claim_counts as (
        select
            tag_key,
            usage_start,
            namespace,
            count(distinct persistentvolumeclaim) as claims
        from keyed_days
        group by tag_key, usage_start, namespace
    )
    select
        day.usage_start,
        'Storage',
        day.namespace,
        day.node,
        day.resource_id,
        day.persistentvolumeclaim,
        day.persistentvolume,
        day.storageclass,
        null::jsonb,
        row_labels.labels,
        row_labels.labels,
        day.cost_category_id,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        price.cost_type,
        'PVC',
        case when price.tag_key <> '' then price.tag_key || ' of ' || day.volume_labels::text end,
        price.price_list_id,
        price.rate_id,
        'pvc_cost_per_month',
        'volume',
        day.capacity / (day.claim_capacity * counted.claims * ocp_days_of_month(p_days[1])),
        price.unit_price,
        day.capacity * price.unit_price / (day.claim_capacity * counted.claims * ocp_days_of_month(p_days[1]))
    from keyed_days as day
    join claim_counts as counted
        on counted.tag_key = day.tag_key
        and counted.usage_start = day.usage_start
        and counted.namespace = day.namespace
    join price
        on price.tag_key = day.tag_key
        and (price.tag_key = '' or ocp_has_price(day.volume_labels, price.tag_key, price.tag_value, price.listed_values))
    cross join lateral (
        select case
            when price.tag_key = '' then day.volume_labels
            else jsonb_build_object(price.tag_key, day.volume_labels -> price.tag_key)
        end as labels
    ) as row_labels
$$;
comment on function ocp_claim_rate_lines(uuid, date[]) is
'Lines of the monthly rates for volume claims, for days of one month; each claim pays once, whatever its number of rows.';
