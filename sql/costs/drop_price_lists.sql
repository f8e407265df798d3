-- costs/drop_price_lists.sql
-- Purpose  take price lists from a cost model; a list that no other model has goes, with its rates
-- Writes   price_list_cost_model_map, price_list, cost_model_rate   grain: list
-- Params   $1 model uuid   $2 lists that stay uuid[]
-- Rerun    nothing is left to remove
with unmapped as (
    delete from price_list_cost_model_map as mapped
    where mapped.cost_model_id = $1
        and mapped.price_list_id <> all($2::uuid[])
    returning mapped.price_list_id
),
-- The statement sees the tables as they were before it.
unused as (
    select unmapped.price_list_id as uuid
    from unmapped
    where not exists (
        select 1
        from price_list_cost_model_map as other
        where other.price_list_id = unmapped.price_list_id
            and other.cost_model_id <> $1
    )
),
dropped_rates as (
    delete from cost_model_rate as rate
    using unused
    where rate.price_list_id = unused.uuid
),
dropped_lists as (
    delete from price_list
    using unused
    where price_list.uuid = unused.uuid
)
select unmapped.price_list_id
from unmapped
