-- costs/save_rates.sql
-- Purpose  write the rates of price lists, one row each
-- Writes   cost_model_rate   grain: rate
-- Units    default_rate: the list's currency per unit of the metric; NULL for a rate by label
-- Params   $1 rates jsonb: uuid, price_list_id and the columns of each
-- Rerun    a rate that is the same is left alone, with its dates
insert into cost_model_rate as known (
    uuid, custom_name, description, metric, metric_type, cost_type, default_rate, tag_key, tag_values, created_timestamp,
    updated_timestamp, price_list_id
)
select
    rate.uuid,
    rate.custom_name,
    rate.description,
    rate.metric,
    rate.metric_type,
    rate.cost_type,
    rate.default_rate,
    rate.tag_key,
    rate.tag_values,
    now(),
    now(),
    rate.price_list_id
from jsonb_to_recordset($1::jsonb) as rate (
    uuid uuid,
    price_list_id uuid,
    custom_name text,
    description text,
    metric text,
    metric_type text,
    cost_type text,
    default_rate numeric,
    tag_key text,
    tag_values jsonb
)
on conflict (uuid) do update
set description = excluded.description,
    metric = excluded.metric,
    metric_type = excluded.metric_type,
    cost_type = excluded.cost_type,
    default_rate = excluded.default_rate,
    tag_key = excluded.tag_key,
    tag_values = excluded.tag_values,
    updated_timestamp = excluded.updated_timestamp
where (
    known.description, known.metric, known.metric_type, known.cost_type, known.default_rate, known.tag_key, known.tag_values
) is distinct from (
    excluded.description, excluded.metric, excluded.metric_type, excluded.cost_type, excluded.default_rate, excluded.tag_key,
    excluded.tag_values
)
