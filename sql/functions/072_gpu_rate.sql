-- functions/072_gpu_rate.sql
-- Purpose  whether GPUs of a source have a price in a month, and the hash of the settings that report tables read
-- Reads    cost_model_map, price_list_cost_model_map, price_list, cost_model_rate
-- Rerun    repeatable definition

create or replace function ocp_has_gpu_rate(p_source_uuid uuid, p_month date) returns boolean
language sql stable
set search_path from current
as $$
    -- Of the lists that are valid on the first day of the month the one with the lowest priority number applies alone.
    with effective_price_list as (
        select price_list.uuid
        from cost_model_map as model
        join price_list_cost_model_map as mapped on mapped.cost_model_id = model.cost_model_id
        join price_list on price_list.uuid = mapped.price_list_id
        where model.provider_uuid = p_source_uuid
            and date_trunc('month', p_month::timestamp)::date between price_list.effective_start_date and price_list.effective_end_date
        order by mapped.priority, price_list.uuid
        limit 1
    )
    select exists (
        select 1
        from cost_model_rate as rate
        join effective_price_list on effective_price_list.uuid = rate.price_list_id
        where rate.metric = 'gpu_cost_per_month'
    )
$$;
comment on function ocp_has_gpu_rate(uuid, date) is
'True when the price list that applies to the source in the month has a rate for GPUs.';

create or replace function ocp_report_settings_hash(p_source_uuid uuid, p_month date) returns text
language sql stable
set search_path from current
as $$
    select md5(concat_ws(e'\x01', 'gpu rate', ocp_has_gpu_rate(p_source_uuid, p_month)))
$$;
comment on function ocp_report_settings_hash(uuid, date) is
'Hash of the settings that the report tables depend on beside the daily summary; days rebuilt with another hash are rebuilt.';
