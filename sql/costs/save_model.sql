-- costs/save_model.sql
-- Purpose  write a cost model
-- Writes   cost_model   grain: model
-- Params   $1 uuid   $2 model jsonb: name, description, currency, distribution_info, markup   $3 rates jsonb
-- Rerun    a model that is the same is left alone, with its dates
insert into cost_model as known (
    uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup, distribution, currency,
    distribution_info
)
select
    $1,
    model.name,
    model.description,
    'OCP',
    now(),
    now(),
    $3::jsonb,
    model.markup,
    model.distribution_info ->> 'distribution_type',
    model.currency,
    model.distribution_info
from jsonb_to_record($2::jsonb) as model (
    name text,
    description text,
    currency text,
    distribution_info jsonb,
    markup jsonb
)
on conflict (uuid) do update
set description = excluded.description,
    updated_timestamp = excluded.updated_timestamp,
    rates = excluded.rates,
    markup = excluded.markup,
    distribution = excluded.distribution,
    currency = excluded.currency,
    distribution_info = excluded.distribution_info
where (
    known.description, known.rates, known.markup, known.distribution, known.currency, known.distribution_info
) is distinct from (
    excluded.description, excluded.rates, excluded.markup, excluded.distribution, excluded.currency, excluded.distribution_info
)
