-- functions/061_effective_price_list.sql
-- Purpose  the price list that the costs of a source and month come from
-- Reads    cost_model_map, price_list_cost_model_map, price_list
-- Rerun    repeatable definition

create or replace function ocp_effective_price_list(p_source_uuid uuid, p_month date) returns uuid
language sql stable
set search_path from current
as $$
    -- Of the lists that are valid on the first day of the month the one with the lowest priority number applies alone,
    -- enabled or not. A source with two models is not priced: nothing says which of them counts.
    select price_list.uuid
    from cost_model_map as model
    join price_list_cost_model_map as mapped on mapped.cost_model_id = model.cost_model_id
    join price_list on price_list.uuid = mapped.price_list_id
    where model.provider_uuid = p_source_uuid
        and date_trunc('month', p_month::timestamp)::date between price_list.effective_start_date and price_list.effective_end_date
        and not exists (
            select 1
            from cost_model_map as other
            where other.provider_uuid = model.provider_uuid
                and other.cost_model_id <> model.cost_model_id
        )
    order by mapped.priority, price_list.uuid
    limit 1
$$;
comment on function ocp_effective_price_list(uuid, date) is
'The price list that applies to the source in the month; NULL when none is valid then, or the source has two cost models.';
