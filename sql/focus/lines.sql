-- focus/lines.sql
-- Purpose  the cost rows of a source and day as lines of the FOCUS export: what was charged, by which price, for whom
-- Reads    ocp_cost_lines (functions/110): metric, quantity and price of every line of a rate
--          daily summary: what was stored, of which the lines must be the whole; cloud cost, markup, distribution
--          ocp_cost_settings, cost_model, price_list, cost_model_rate; reporting_ocp_cost_category
-- Formula  rate: cost of a line, rounded to the 15 places that the daily summary keeps; what rounding leaves goes to
--          the
--              greatest line of the row. residue: what the lines do not explain, if it is more than 1e-9 of the row
-- Grain    rate: key of the cost row × metric × label value; residue: key × column; cloud, markup, distribution: row
-- Units    currency of the line; the unit that the metric has a price for
-- Params   $1 source_uuid uuid   $2 day date (UTC)   $3 layers text[]
-- Rerun    same rows, same result and order
with model as materialized (
    select coalesce(model.currency, 'USD') as currency
    from ocp_cost_settings($1::uuid) as setting
    left join cost_model as model on model.uuid = setting.cost_model_id
),
-- What of a line is part of the key of its cost row: what the row alone can be found by.
priced as materialized (
    select
        row_of.key,
        line.data_source,
        line.namespace,
        line.node,
        line.resource_id,
        line.persistentvolumeclaim,
        line.persistentvolume,
        line.storageclass,
        line.pod_labels,
        line.volume_labels,
        line.all_labels,
        line.cost_category_id,
        line.cost_model_rate_type,
        line.monthly_cost_type,
        line.row_key,
        line.cost_column,
        line.metric,
        line.price_list_id,
        line.rate_id,
        nullif(rate.tag_key, '') as tag_key,
        rate.custom_name,
        case
            when rate.tag_key = '' then null
            when line.metric = 'gpu_cost_per_month' then line.all_labels ->> 'gpu-model'
            else coalesce(line.pod_labels, line.volume_labels, line.all_labels) ->> rate.tag_key
        end as label_value,
        rate.tag_values,
        line.unit_price,
        sum(line.quantity) as quantity,
        sum(line.cost) as cost
    from ocp_cost_lines($1::uuid, array[$2::date]) as line
    join cost_model_rate as rate on rate.uuid = line.rate_id
    cross join lateral (
        select md5(jsonb_build_array(
            line.data_source, line.namespace, line.node, line.resource_id, line.persistentvolumeclaim, line.persistentvolume,
            line.storageclass, line.pod_labels, line.volume_labels, line.all_labels, line.cost_category_id,
            line.cost_model_rate_type, line.monthly_cost_type, line.cost_column
        )::text) as key
    ) as row_of
    where 'rate' = any($3::text[])
        and line.cost <> 0
    group by
        row_of.key, line.data_source, line.namespace, line.node, line.resource_id, line.persistentvolumeclaim,
        line.persistentvolume, line.storageclass, line.pod_labels, line.volume_labels, line.all_labels,
        line.cost_category_id, line.cost_model_rate_type, line.monthly_cost_type, line.row_key, line.cost_column, line.metric,
        line.price_list_id, line.rate_id, rate.tag_key, rate.custom_name, rate.tag_values, line.unit_price
),
-- Several rates of one metric and type of cost are one price: their sum.
rate_lines as materialized (
    select
        key,
        data_source,
        namespace,
        node,
        resource_id,
        persistentvolumeclaim,
        persistentvolume,
        storageclass,
        pod_labels,
        volume_labels,
        all_labels,
        cost_category_id,
        cost_model_rate_type,
        monthly_cost_type,
        row_key,
        cost_column,
        metric,
        price_list_id,
        tag_key,
        sku_value.tag_value,
        string_agg(distinct nullif(custom_name, ''), ' + ' order by nullif(custom_name, '')) as rate_name,
        quantity,
        sum(unit_price) as unit_price,
        round(sum(cost), 15) as cost
    from priced
    cross join lateral (
        select case
            when tag_key is null then null
            when exists (
                select
                from jsonb_array_elements(tag_values) as listed
                where listed ->> 'tag_value' = label_value
            ) then label_value
            else '*'
        end as tag_value
    ) as sku_value
    group by
        key, data_source, namespace, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass, pod_labels,
        volume_labels, all_labels, cost_category_id, cost_model_rate_type, monthly_cost_type, row_key, cost_column, metric,
        price_list_id, tag_key, sku_value.tag_value, quantity
),
stored as materialized (
    select
        md5(jsonb_build_array(
            summary.data_source, summary.namespace, summary.node, summary.resource_id, summary.persistentvolumeclaim,
            summary.persistentvolume, summary.storageclass, summary.pod_labels, summary.volume_labels, summary.all_labels,
            summary.cost_category_id, summary.cost_model_rate_type, summary.monthly_cost_type, part.cost_column
        )::text) as key,
        summary.data_source,
        summary.namespace,
        summary.node,
        summary.resource_id,
        summary.persistentvolumeclaim,
        summary.persistentvolume,
        summary.storageclass,
        summary.pod_labels,
        summary.volume_labels,
        summary.all_labels,
        summary.cost_category_id,
        summary.cost_model_rate_type,
        summary.monthly_cost_type,
        part.cost_column,
        sum(part.cost) as cost
    from reporting_ocpusagelineitem_daily_summary as summary
    cross join lateral (
        values
            ('cpu', summary.cost_model_cpu_cost),
            ('memory', summary.cost_model_memory_cost),
            ('volume', summary.cost_model_volume_cost),
            ('gpu', summary.cost_model_gpu_cost)
    ) as part (cost_column, cost)
    where summary.source_uuid = $1::uuid
        and summary.usage_start = $2::date
        and part.cost <> 0
        and 'rate' = any($3::text[])
    group by
        summary.data_source, summary.namespace, summary.node, summary.resource_id, summary.persistentvolumeclaim,
        summary.persistentvolume, summary.storageclass, summary.pod_labels, summary.volume_labels, summary.all_labels,
        summary.cost_category_id, summary.cost_model_rate_type, summary.monthly_cost_type, part.cost_column
),
differences as materialized (
    select
        key,
        coalesce(stored.cost, 0) - coalesce(explained.cost, 0) as difference,
        abs(coalesce(stored.cost, 0) - coalesce(explained.cost, 0)) > greatest(abs(coalesce(stored.cost, 0)) * 1e-9, 1e-12)
            as is_residue
    from stored
    full join (
        select
            key,
            sum(cost) as cost
        from rate_lines
        group by key
    ) as explained using (key)
),
ranked as (
    select
        rate_lines.*,
        row_number() over (
            partition by key
            order by abs(cost) desc, metric, tag_value, row_key, quantity
        ) as place
    from rate_lines
),
lines as (
    select
        'rate' as layer,
        ranked.cost + case when ranked.place = 1 and not difference.is_residue then difference.difference else 0 end as cost,
        null::text as raw_currency,
        ranked.data_source,
        ranked.namespace,
        ranked.node,
        ranked.resource_id,
        ranked.persistentvolumeclaim,
        ranked.persistentvolume,
        ranked.storageclass,
        ranked.pod_labels,
        ranked.volume_labels,
        ranked.all_labels,
        ranked.cost_category_id,
        ranked.cost_model_rate_type,
        ranked.monthly_cost_type,
        ranked.cost_column,
        ranked.metric,
        ranked.price_list_id,
        ranked.tag_key,
        ranked.tag_value,
        ranked.rate_name,
        -- A price is never negative, a quantity may be.
        round(ranked.quantity * case when ranked.unit_price < 0 then -1 else 1 end, 20) as quantity,
        round(abs(ranked.unit_price), 20) as unit_price
    from ranked
    join differences as difference using (key)
    union all
    select
        'residue',
        difference.difference,
        null,
        known.data_source,
        known.namespace,
        known.node,
        known.resource_id,
        known.persistentvolumeclaim,
        known.persistentvolume,
        known.storageclass,
        known.pod_labels,
        known.volume_labels,
        known.all_labels,
        known.cost_category_id,
        known.cost_model_rate_type,
        known.monthly_cost_type,
        known.cost_column,
        null,
        null,
        null,
        null,
        null,
        null,
        null
    from differences as difference
    join (
        select distinct on (key)
            key,
            data_source,
            namespace,
            node,
            resource_id,
            persistentvolumeclaim,
            persistentvolume,
            storageclass,
            pod_labels,
            volume_labels,
            all_labels,
            cost_category_id,
            cost_model_rate_type,
            monthly_cost_type,
            cost_column
        from (
            select
                key, data_source, namespace, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass,
                pod_labels, volume_labels, all_labels, cost_category_id, cost_model_rate_type, monthly_cost_type, cost_column
            from stored
            union all
            select
                key, data_source, namespace, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass,
                pod_labels, volume_labels, all_labels, cost_category_id, cost_model_rate_type, monthly_cost_type, cost_column
            from rate_lines
        ) as both_sides
        order by key
    ) as known using (key)
    where difference.is_residue
    union all
    select
        part.layer,
        part.cost,
        summary.raw_currency,
        summary.data_source,
        summary.namespace,
        summary.node,
        summary.resource_id,
        summary.persistentvolumeclaim,
        summary.persistentvolume,
        summary.storageclass,
        summary.pod_labels,
        summary.volume_labels,
        summary.all_labels,
        summary.cost_category_id,
        summary.cost_model_rate_type,
        summary.monthly_cost_type,
        null,
        null,
        null,
        null,
        null,
        null,
        case when part.layer = 'cloud' then part.cost end,
        case when part.layer = 'cloud' then 1 end
    from reporting_ocpusagelineitem_daily_summary as summary
    cross join lateral (
        values
            ('cloud', summary.infrastructure_raw_cost),
            ('markup', summary.infrastructure_markup_cost),
            ('distribution', summary.distributed_cost)
    ) as part (layer, cost)
    where summary.source_uuid = $1::uuid
        and summary.usage_start = $2::date
        and part.cost <> 0
        and part.layer = any($3::text[])
),
-- Text that is blank, in an export, is no value.
cleaned as (
    select
        lines.*,
        cluster.cluster_id,
        nullif(btrim(cluster.cluster_alias), '') as cluster_alias,
        case
            when lines.layer in ('cloud', 'markup') then coalesce(nullif(lines.raw_currency, ''), model.currency)
            when lines.cost_model_rate_type in ('unattributed_storage', 'unattributed_network')
            then coalesce(nullif(lines.raw_currency, ''), model.currency)
            else model.currency
        end as currency,
        nullif(btrim(lines.namespace), '') as project,
        nullif(btrim(lines.node), '') as node_name,
        nullif(btrim(lines.persistentvolumeclaim), '') as claim,
        nullif(btrim(lines.data_source), '') as source_kind,
        nullif(btrim(lines.resource_id), '') as node_resource_id,
        nullif(btrim(lines.persistentvolume), '') as volume_name,
        nullif(btrim(lines.storageclass), '') as class_name,
        coalesce(lines.all_labels, lines.pod_labels, lines.volume_labels) as labels,
        lines.cost_model_rate_type || '/' || lines.metric || coalesce('/tag/' || lines.tag_key, '') as sku
    from lines
    cross join model
    join ocp_cluster_days($1::uuid, array[$2::date]) as cluster on true
    where lines.cost <> 0
),
named as (
    select
        cleaned.*,
        resource.resource_type,
        resource.resource_name,
        resource.resource,
        case
            when cleaned.layer = 'cloud' then 'cloud/pass-through'
            else cleaned.sku
        end as sku_id,
        case
            when cleaned.layer = 'cloud' then 'cloud/pass-through/' || cleaned.currency
            else cleaned.price_list_id || '/' || cleaned.sku || coalesce('=' || cleaned.tag_value, '')
        end as sku_price_id,
        tag.tags
    from cleaned
    left join lateral (
        select
            listed.resource_type,
            listed.resource_name,
            listed.resource
        from (
            values
                (
                    1, 'GPU', nullif(btrim(cleaned.labels ->> 'gpu-model'), ''), '/gpu/' || nullif(btrim(cleaned.resource_id), ''),
                    cleaned.data_source = 'GPU'
                ),
                (2, 'Persistent Volume Claim', cleaned.claim, '/' || cleaned.project || '/pvc/' || cleaned.claim, true),
                (
                    3, 'Virtual Machine', nullif(btrim(cleaned.labels ->> 'vm_kubevirt_io_name'), ''),
                    '/' || cleaned.project || '/vm/' || nullif(btrim(cleaned.labels ->> 'vm_kubevirt_io_name'), ''), true
                ),
                (4, 'Cluster', cleaned.cluster_alias, '', cleaned.metric like 'cluster%'),
                (5, 'Project', cleaned.project, '/project/' || cleaned.project, cleaned.metric = 'project_per_month'),
                (6, 'Node', cleaned.node_name, '/node/' || cleaned.node_name, true)
        ) as listed (place, resource_type, resource_name, resource, applies)
        where listed.applies
            and listed.resource is not null
            and cleaned.layer <> 'distribution'
        order by listed.place
        limit 1
    ) as resource on true
    left join lateral (
        select
            '{' || string_agg(
                to_jsonb(case when cleaned.metric = 'gpu_cost_per_month' then 'openshift/' else '' end || label.key)::text
                || ':' || label.value::text,
                ','
                order by label.key collate "C"
            ) || '}' as tags
        from jsonb_each(case when jsonb_typeof(cleaned.labels) = 'object' then cleaned.labels end) as label
        where label.value <> 'null'
    ) as tag on true
)
select
    named.layer,
    named.cost::text as cost,
    named.currency,
    named.cluster_id,
    named.cluster_alias,
    named.project,
    named.node_name as node,
    named.source_kind as data_source,
    named.node_resource_id,
    named.volume_name as persistent_volume,
    named.class_name as storage_class,
    named.cluster_id || named.resource as resource_id,
    named.resource_name,
    named.resource_type,
    named.cost_model_rate_type as rate_type,
    named.monthly_cost_type,
    named.cost_column,
    named.metric,
    named.sku_id,
    named.sku_price_id,
    named.price_list_id::text as price_list_id,
    list.version as price_list_version,
    named.rate_name,
    named.quantity::text as quantity,
    named.unit_price::text as unit_price,
    named.tags,
    category.name as cost_category
from named
left join price_list as list on list.uuid = named.price_list_id
left join reporting_ocp_cost_category as category on category.id = named.cost_category_id
order by
    named.cluster_id collate "C",
    named.project collate "C",
    named.node_name collate "C",
    named.source_kind collate "C",
    (named.cluster_id || named.resource) collate "C",
    named.sku_price_id collate "C",
    named.cost_model_rate_type collate "C",
    named.tags collate "C",
    -- Beyond what the format asks for: the same bytes for rows that are the same in all of that.
    named.layer collate "C",
    named.cost_column collate "C",
    named.monthly_cost_type collate "C",
    named.cost,
    named.quantity,
    named.currency collate "C",
    named.node_resource_id collate "C",
    named.volume_name collate "C",
    named.class_name collate "C",
    category.name collate "C",
    named.rate_name collate "C"
