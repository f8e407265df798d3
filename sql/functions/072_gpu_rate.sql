-- functions/072_gpu_rate.sql
-- Purpose  whether GPUs of a source have a price in a month
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
