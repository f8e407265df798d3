-- functions/105_tag_rate_lines.sql
-- Purpose  cost of usage at prices by the value of a label
-- Formula  {cpu_core,memory_gb}_{usage,request,effective_usage}_per_hour, storage_gb_{usage,request}_per_month:
--          usage · price of the label's value → cpu, memory, volume, as functions/101. Pods have pod labels, claims
--          volume labels. A listed value: the row keeps only this label. Another value: the default, unless it is 0;
--          the row keeps all labels
-- Unit     core-hours, GiB-hours, GiB-months
-- Domain   §8.5
-- Reads    daily summary: rows without rate type that have a namespace and the label
-- Grain    day × node × namespace × resource × claim × volume × class × labels × category × rate
-- Rerun    repeatable definition

create or replace function ocp_tag_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 100000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with price as materialized (
        select
            price.price_list_id,
            price.rate_id,
            price.metric,
            price.cost_type,
            price.tag_key,
            price.tag_value,
            price.listed_values,
            price.unit_price,
            case when price.metric like 'storage%' then 'Storage' else 'Pod' end as data_source
        from ocp_tag_prices(
            p_source_uuid,
            p_days[1],
            array[
                'cpu_core_usage_per_hour', 'cpu_core_request_per_hour', 'cpu_core_effective_usage_per_hour',
                'memory_gb_usage_per_hour', 'memory_gb_request_per_hour', 'memory_gb_effective_usage_per_hour',
                'storage_gb_usage_per_month', 'storage_gb_request_per_month'
            ]
        ) as price
        where price.tag_value is not null
            or price.unit_price <> 0
    ),
    usage_rows as (
        select
            usage_start,
            data_source,
            namespace,
            node,
            resource_id,
            persistentvolumeclaim,
            persistentvolume,
            storageclass,
            case when data_source = 'Storage' then volume_labels else pod_labels end as labels,
            cost_category_id,
            pod_usage_cpu_core_hours as usage_cpu,
            pod_request_cpu_core_hours as request_cpu,
            pod_effective_usage_cpu_core_hours as effective_cpu,
            pod_usage_memory_gigabyte_hours as usage_memory,
            pod_request_memory_gigabyte_hours as request_memory,
            pod_effective_usage_memory_gigabyte_hours as effective_memory,
            persistentvolumeclaim_usage_gigabyte_months as usage_storage,
            volume_request_storage_gigabyte_months as request_storage
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and cost_model_rate_type is null
            and namespace is not null
            and exists (select from price)
    )
    select
        used.usage_start,
        used.data_source,
        used.namespace,
        used.node,
        used.resource_id,
        used.persistentvolumeclaim,
        used.persistentvolume,
        used.storageclass,
        case when used.data_source = 'Pod' then row_labels.labels end,
        case when used.data_source = 'Storage' then row_labels.labels end,
        row_labels.labels,
        used.cost_category_id,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        price.cost_type,
        'Tag',
        null::text,
        price.price_list_id,
        price.rate_id,
        price.metric,
        term.cost_column,
        coalesce(term.quantity, 0),
        price.unit_price,
        coalesce(term.quantity, 0) * price.unit_price
    from usage_rows as used
    join price
        on price.data_source = used.data_source
        and ocp_has_price(used.labels, price.tag_key, price.tag_value, price.listed_values)
    cross join lateral (
        select case
            when price.tag_value is null then used.labels
            else jsonb_build_object(price.tag_key, price.tag_value)
        end as labels
    ) as row_labels
    cross join lateral (
        values
            ('cpu_core_usage_per_hour', 'cpu', used.usage_cpu),
            ('cpu_core_request_per_hour', 'cpu', used.request_cpu),
            ('cpu_core_effective_usage_per_hour', 'cpu', used.effective_cpu),
            ('memory_gb_usage_per_hour', 'memory', used.usage_memory),
            ('memory_gb_request_per_hour', 'memory', used.request_memory),
            ('memory_gb_effective_usage_per_hour', 'memory', used.effective_memory),
            ('storage_gb_usage_per_month', 'volume', used.usage_storage),
            ('storage_gb_request_per_month', 'volume', used.request_storage)
    ) as term (metric, cost_column, quantity)
    where term.metric = price.metric
$$;
comment on function ocp_tag_rate_lines(uuid, date[]) is
'Lines of the rates for usage that depend on a label, for days of one month.';
