-- functions/108_gpu_rate_lines.sql
-- Purpose  price of GPUs by vendor and model: what pods held, and what no pod held
-- Formula  gpu_cost_per_month, tag key = vendor, tag value = model; D = days of the month
--          held     seconds / 86400 / D · slices of the MIG instance / slices of the GPU (1 without MIG) · price; a
--          model
--              without a price costs 0
--          not held, in the namespace GPU unallocated, per node and model: free slice-hours / (24 · D · M) · price,
--          where
--              M = slices of the GPU (1 without MIG), and free = hours with GPUs · number of GPUs · M − Σ hours ·
--              slices; MIG strategy single: hours · GPUs − the same; only where that is more than 0
--          → gpu
-- Unit     months of a GPU
-- Domain   §7.2
-- Reads    ocp_gpu_day; ocp_node_label_day with ocp_label_set: nvidia_com_gpu_present, _count, _product, mig_strategy
-- Grain    held: day × node × namespace × pod × GPU × MIG instance × rate; not held: day × node × model × rate
-- Rerun    repeatable definitions

-- As model names of reports are cleaned when they are loaded.
create or replace function ocp_gpu_model_name(p_product text) returns text
language sql immutable parallel safe
as $$
    select btrim(regexp_replace(p_product, '[^A-Za-z0-9]+', ' ', 'g'))
$$;
comment on function ocp_gpu_model_name(text) is 'Model name of a GPU as reports have it, from the label of a node.';

create or replace function ocp_gpu_prices(p_source_uuid uuid, p_month date)
returns table (
    price_list_id uuid, rate_id uuid, cost_type text, vendor_name text, model_name text, listed_models text[], unit_price numeric
)
language sql stable rows 20
set search_path from current
as $$
    with listed_price as materialized (
        select
            price_list_id,
            rate_id,
            cost_type,
            tag_key,
            tag_value,
            listed_values,
            unit_price
        from ocp_tag_prices(p_source_uuid, p_month, array['gpu_cost_per_month'])
    )
    select
        price_list_id,
        rate_id,
        cost_type,
        tag_key,
        tag_value,
        listed_values,
        unit_price
    from listed_price
    union all
    select distinct
        price_list_id,
        rate_id,
        cost_type,
        tag_key,
        null,
        listed_values,
        0::numeric
    from listed_price
    where not exists (
        select
        from listed_price as other
        where other.rate_id = listed_price.rate_id
            and other.tag_value is null
    )
$$;
comment on function ocp_gpu_prices(uuid, date) is
'Prices of GPUs by vendor and model; model_name NULL: for models that are not among listed_models, 0 if the rate has no default.';

create or replace function ocp_free_gpu_hours(p_source_uuid uuid, p_days date[])
returns table (usage_day date, node text, vendor_name text, model_name text, max_slices numeric, free_hours numeric)
language sql stable rows 1000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    -- A label that changed splits the hours, not what was held.
    with label_days as (
        select
            label_day.usage_day,
            label_day.node,
            label_day.row_count as hours,
            (label_set.labels ->> 'nvidia_com_gpu_count')::numeric as gpus,
            coalesce(nullif(label_set.labels ->> 'nvidia_com_mig_strategy', ''), 'mixed') as mig_strategy,
            ocp_gpu_model_name(label_set.labels ->> 'nvidia_com_gpu_product') as model_name
        from ocp_node_label_day as label_day
        join ocp_label_set as label_set using (label_set_id)
        where label_day.source_uuid = p_source_uuid
            and label_day.usage_day = any(p_days)
            and lower(label_set.labels ->> 'nvidia_com_gpu_present') = 'true'
            and label_set.labels ->> 'nvidia_com_gpu_count' ~ '^[0-9]{1,6}$'
    ),
    held_days as (
        select
            usage_day,
            node,
            max(vendor_name collate "C") as vendor_name,
            model_name,
            max(coalesce(gpu_max_slices, 1))::numeric as max_slices,
            (sum(uptime * coalesce(mig_slice_count, 1)) / 3600)::numeric as held_hours
        from ocp_gpu_day
        where source_uuid = p_source_uuid
            and usage_day = any(p_days)
        group by usage_day, node, model_name
    ),
    -- A node whose GPUs nobody held: its label names the model.
    idle_days as (
        select
            usage_day,
            node,
            'nvidia' as vendor_name,
            max(model_name collate "C") as model_name,
            1::numeric as max_slices,
            0::numeric as held_hours
        from label_days
        where model_name <> ''
            and not exists (
                select
                from held_days
                where held_days.usage_day = label_days.usage_day
                    and held_days.node = label_days.node
            )
        group by usage_day, node
    ),
    model_days as (
        select usage_day, node, vendor_name, model_name, max_slices, held_hours from held_days
        union all
        select usage_day, node, vendor_name, model_name, max_slices, held_hours from idle_days
    )
    select
        model.usage_day,
        model.node,
        max(model.vendor_name collate "C"),
        model.model_name,
        max(model.max_slices),
        sum(
            label.hours * label.gpus * case label.mig_strategy when 'mixed' then model.max_slices when 'single' then 1 else 0 end
        ) - max(model.held_hours)
    from model_days as model
    join label_days as label
        on label.usage_day = model.usage_day
        and label.node = model.node
    group by model.usage_day, model.node, model.model_name
$$;
comment on function ocp_free_gpu_hours(uuid, date[]) is
'Slice-hours of each GPU model on each node and day that no pod held; may be negative. On an idle node a GPU counts whole.';

create or replace function ocp_gpu_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 10000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with price as materialized (
        select
            price_list_id,
            rate_id,
            cost_type,
            vendor_name,
            model_name,
            listed_models,
            unit_price
        from ocp_gpu_prices(p_source_uuid, p_days[1])
    ),
    gpu_rows as (
        select
            usage_day,
            namespace,
            node,
            gpu_uuid as resource_id,
            vendor_name,
            model_name,
            concat_ws(' ', pod, mig_instance_id) as row_key,
            jsonb_build_object(
                'gpu-model', coalesce(model_name, ''),
                'gpu-vendor', coalesce(vendor_name, ''),
                'gpu-memory-mib', memory_mib::text,
                'mig-profile', coalesce(mig_profile, ''),
                'mig-slice-count', mig_slice_count::text,
                'gpu-max-slices', gpu_max_slices::text,
                'mig-strategy', coalesce(mig_strategy, ''),
                'mig-memory-mib', mig_memory_mib::text,
                'gpu-mode', case when nullif(mig_profile, '') is null then 'dedicated' else 'MIG' end,
                'gpu-uuid', coalesce(gpu_uuid, ''),
                'mig-instance-id', coalesce(mig_instance_id, '')
            ) as all_labels,
            uptime::numeric * coalesce(case when gpu_max_slices > 0 then mig_slice_count / gpu_max_slices end, 1)::numeric
                / 86400 as gpu_days
        from ocp_gpu_day
        where source_uuid = p_source_uuid
            and usage_day = any(p_days)
            and exists (select from price)
        union all
        select
            usage_day,
            ocp_gpu_unallocated(),
            node,
            null,
            vendor_name,
            model_name,
            null,
            jsonb_build_object('gpu-model', coalesce(model_name, ''), 'max-slices-per-gpu', max_slices::text),
            free_hours / (24 * max_slices)
        from ocp_free_gpu_hours(p_source_uuid, p_days)
        where free_hours > 0
            and exists (select from price)
    )
    select
        gpu.usage_day,
        'GPU',
        gpu.namespace,
        gpu.node,
        gpu.resource_id,
        null::text,
        null::text,
        null::text,
        null::jsonb,
        null::jsonb,
        gpu.all_labels,
        ocp_cost_category_id(gpu.namespace),
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        price.cost_type,
        'Tag',
        gpu.row_key,
        price.price_list_id,
        price.rate_id,
        'gpu_cost_per_month',
        'gpu',
        gpu.gpu_days / ocp_days_of_month(p_days[1]),
        price.unit_price,
        gpu.gpu_days * price.unit_price / ocp_days_of_month(p_days[1])
    from gpu_rows as gpu
    join price
        on price.vendor_name = gpu.vendor_name
        and case
            when price.model_name is not null then price.model_name = gpu.model_name
            else coalesce(gpu.model_name, '') <> all(price.listed_models)
        end
$$;
comment on function ocp_gpu_rate_lines(uuid, date[]) is
'Lines of the rates for GPUs, for days of one month.';
