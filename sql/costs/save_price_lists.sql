-- costs/save_price_lists.sql
-- Purpose  write price lists; what changes a cost makes a new version of its list
-- Writes   price_list   grain: list
-- Params   $1 lists jsonb: uuid and the columns of each
-- Rerun    a list that is the same is left alone, with its version and dates
insert into price_list as known (
    uuid, name, description, currency, effective_start_date, effective_end_date, enabled, version, rates, created_timestamp,
    updated_timestamp
)
select
    list.uuid,
    list.name,
    list.description,
    list.currency,
    list.effective_start_date,
    list.effective_end_date,
    list.enabled,
    1,
    list.rates,
    now(),
    now()
from jsonb_to_recordset($1::jsonb) as list (
    uuid uuid,
    name text,
    description text,
    currency text,
    effective_start_date date,
    effective_end_date date,
    enabled boolean,
    rates jsonb
)
on conflict (uuid) do update
set description = excluded.description,
    currency = excluded.currency,
    effective_start_date = excluded.effective_start_date,
    effective_end_date = excluded.effective_end_date,
    enabled = excluded.enabled,
    version = known.version + (
        (known.currency, known.effective_start_date, known.effective_end_date, ocp_rates_without_names(known.rates))
        is distinct from
        (excluded.currency, excluded.effective_start_date, excluded.effective_end_date, ocp_rates_without_names(excluded.rates))
    )::integer,
    rates = excluded.rates,
    updated_timestamp = excluded.updated_timestamp
where (
    known.description, known.currency, known.effective_start_date, known.effective_end_date, known.enabled, known.rates
) is distinct from (
    excluded.description, excluded.currency, excluded.effective_start_date, excluded.effective_end_date, excluded.enabled,
    excluded.rates
)
returning uuid
