-- functions/072_gpu_rate.sql
-- Purpose  whether GPUs of a source have a price in a month, and the hash of the settings that report tables read
-- Reads    cost_model_rate; the lists through ocp_effective_price_list
-- Rerun    repeatable definition

create or replace function ocp_has_gpu_rate(p_source_uuid uuid, p_month date) returns boolean
language sql stable
set search_path from current
as $$
    select exists (
        select 1
        from cost_model_rate as rate
        where rate.price_list_id = ocp_effective_price_list(p_source_uuid, p_month)
            and rate.metric = 'gpu_cost_per_month'
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
