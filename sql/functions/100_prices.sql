-- functions/100_prices.sql
-- Purpose  what the cost step asks of a source's cost model: its settings, its prices in a month
-- Reads    cost_model_map, cost_model, cost_model_rate; the list through ocp_effective_price_list
-- Domain   §8.1, §8.5
-- Rerun    repeatable definitions

create or replace function ocp_days_of_month(p_day date) returns integer
language sql immutable parallel safe
as $$
    select date_part('day', date_trunc('month', p_day::timestamp) + interval '1 month' - interval '1 day')::integer
$$;
comment on function ocp_days_of_month(date) is 'Number of days of the calendar month, by which monthly prices are divided.';

create or replace function ocp_rates_without_names(p_rates jsonb) returns jsonb
language sql immutable parallel safe
as $$
    select jsonb_agg(rate.value - array['rate_id', 'custom_name', 'description'] order by rate.place)
    from jsonb_array_elements(p_rates) with ordinality as rate (value, place)
$$;
comment on function ocp_rates_without_names(jsonb) is
'Rates of a price list without what no cost depends on: a list whose rates differ in nothing else keeps its version.';

-- A source with two models has none, as in ocp_effective_price_list: nothing says which of them counts.
create or replace function ocp_cost_settings(p_source_uuid uuid)
returns table (
    cost_model_id uuid,
    markup numeric,
    is_by_memory boolean,
    distributes_platform boolean,
    distributes_worker boolean,
    distributes_storage boolean,
    distributes_network boolean,
    distributes_gpu boolean
)
language sql stable rows 1
set search_path from current
as $$
    select
        model.uuid,
        nullif(model.markup ->> 'value', '')::numeric / 100,
        coalesce(nullif(model.distribution_info ->> 'distribution_type', ''), nullif(model.distribution, ''), 'cpu') = 'memory',
        model.uuid is not null and coalesce((model.distribution_info ->> 'platform_cost')::boolean, true),
        model.uuid is not null and coalesce((model.distribution_info ->> 'worker_cost')::boolean, true),
        model.uuid is null or coalesce((model.distribution_info ->> 'storage_unattributed')::boolean, false),
        model.uuid is null or coalesce((model.distribution_info ->> 'network_unattributed')::boolean, false),
        model.uuid is not null and coalesce((model.distribution_info ->> 'gpu_unallocated')::boolean, false)
    from (
        select case when count(distinct map.cost_model_id) = 1 then min(map.cost_model_id::text)::uuid end as cost_model_id
        from cost_model_map as map
        where map.provider_uuid = p_source_uuid
    ) as mapped
    left join cost_model as model on model.uuid = mapped.cost_model_id
$$;
comment on function ocp_cost_settings(uuid) is
'Markup as a fraction (NULL: none), and what is distributed, by what; also a row when the source has no cost model: then only storage and network are.';

create or replace function ocp_plain_prices(p_source_uuid uuid, p_month date, p_metrics text[])
returns table (price_list_id uuid, rate_id uuid, metric text, cost_type text, unit_price numeric)
language sql stable rows 20
set search_path from current
as $$
    select
        rate.price_list_id,
        rate.uuid,
        rate.metric,
        rate.cost_type,
        rate.default_rate
    from cost_model_rate as rate
    where rate.price_list_id = ocp_effective_price_list(p_source_uuid, p_month)
        and rate.metric = any(p_metrics)
        and rate.tag_key = ''
        and rate.default_rate is not null
$$;
comment on function ocp_plain_prices(uuid, date, text[]) is
'Rates of these metrics that have one price for all; several rates of a metric are several rows, whose costs add up.';

create or replace function ocp_monthly_prices(p_source_uuid uuid, p_month date, p_metrics text[])
returns table (price_list_id uuid, rate_id uuid, metric text, cost_type text, unit_price numeric)
language sql stable rows 20
set search_path from current
as $$
    with price as materialized (
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            unit_price
        from ocp_plain_prices(p_source_uuid, p_month, p_metrics)
        where unit_price <> 0
    )
    select
        price.price_list_id,
        price.rate_id,
        price.metric,
        price.cost_type,
        price.unit_price
    from price
    where price.cost_type = 'Infrastructure'
        or not exists (
            select
            from price as hiding
            where hiding.metric = price.metric
                and hiding.cost_type = 'Infrastructure'
        )
$$;
comment on function ocp_monthly_prices(uuid, date, text[]) is
'As ocp_plain_prices, for metrics by month: of one that has both, Infrastructure hides Supplementary; a rate of 0 is none.';

create or replace function ocp_tag_prices(p_source_uuid uuid, p_month date, p_metrics text[])
returns table (
    price_list_id uuid, rate_id uuid, metric text, cost_type text, tag_key text, tag_value text, listed_values text[], unit_price numeric
)
language sql stable rows 20
set search_path from current
as $$
    with listed as (
        select
            rate.price_list_id,
            rate.uuid as rate_id,
            rate.metric,
            rate.cost_type,
            rate.tag_key,
            entry.value ->> 'tag_value' as tag_value,
            (entry.value ->> 'value')::numeric as unit_price,
            coalesce((entry.value ->> 'default')::boolean, false) as is_default,
            array_agg(entry.value ->> 'tag_value') over (partition by rate.uuid) as listed_values
        from cost_model_rate as rate
        cross join lateral jsonb_array_elements(rate.tag_values) as entry
        where rate.price_list_id = ocp_effective_price_list(p_source_uuid, p_month)
            and rate.metric = any(p_metrics)
            and rate.tag_key <> ''
    )
    select
        listed.price_list_id,
        listed.rate_id,
        listed.metric,
        listed.cost_type,
        listed.tag_key,
        of_value.tag_value,
        listed.listed_values,
        listed.unit_price
    from listed
    -- The value of the default has a price of its own like any other, and gives it to all values that are not listed.
    cross join lateral (
        select listed.tag_value
        union all
        select null
        where listed.is_default
    ) as of_value (tag_value)
$$;
comment on function ocp_tag_prices(uuid, date, text[]) is
'Prices by the value of a label, one row each; tag_value NULL: for values that are not among listed_values.';

create or replace function ocp_has_price(p_labels jsonb, p_tag_key text, p_tag_value text, p_listed_values text[]) returns boolean
language sql immutable parallel safe
as $$
    select case
        when p_tag_value is not null then p_labels ->> p_tag_key = p_tag_value
        else p_labels ->> p_tag_key <> all(p_listed_values)
    end
$$;
comment on function ocp_has_price(jsonb, text, text, text[]) is
'Whether a row of ocp_tag_prices is the price of these labels; NULL when they do not have the key.';
