-- costs/listed_models.sql
-- Purpose  the cost models of a tenant with what they apply to
-- Reads    cost_model, cost_model_map, price_list_cost_model_map, cost_model_rate
-- Grain    one row per model
select
    model.uuid,
    model.name,
    model.currency,
    array(
        select mapped.provider_uuid::text
        from cost_model_map as mapped
        where mapped.cost_model_id = model.uuid
        order by mapped.provider_uuid
    ) as "sourceUuids",
    (
        select count(*)
        from price_list_cost_model_map as mapped
        where mapped.cost_model_id = model.uuid
    ) as "priceListCount",
    (
        select count(*)
        from price_list_cost_model_map as mapped
        join cost_model_rate as rate on rate.price_list_id = mapped.price_list_id
        where mapped.cost_model_id = model.uuid
    ) as "rateCount",
    model.updated_timestamp as "updatedAt"
from cost_model as model
where model.source_type = 'OCP'
order by model.name collate "C", model.uuid
