-- costs/known_models.sql
-- Purpose  the cost models of a name, with the ids of their lists and rates, for what is written next to keep them
-- Reads    cost_model, price_list_cost_model_map, price_list, cost_model_rate
-- Grain    one row per model; a name should have one, but no constraint says so
-- Params   $1 name text
select
    model.uuid,
    array(
        select jsonb_build_object(
            'uuid', list.uuid,
            'name', list.name,
            'rates', (
                select coalesce(jsonb_object_agg(rate.custom_name, rate.uuid), '{}')
                from cost_model_rate as rate
                where rate.price_list_id = list.uuid
            ),
            'sharedWith', array(
                select other.name
                from price_list_cost_model_map as shared
                join cost_model as other on other.uuid = shared.cost_model_id
                where shared.price_list_id = list.uuid
                    and shared.cost_model_id <> model.uuid
                order by other.name
            )
        )
        from price_list_cost_model_map as mapped
        join price_list as list on list.uuid = mapped.price_list_id
        where mapped.cost_model_id = model.uuid
        order by mapped.priority, list.uuid
    ) as lists
from cost_model as model
where model.source_type = 'OCP'
    and model.name = $1
