-- costs/stored_model.sql
-- Purpose  a cost model as a document has it; as text, so that numbers keep their digits
-- Reads    cost_model, price_list_cost_model_map, price_list
-- Grain    one row per model of the name
-- Params   $1 name text
select jsonb_build_object(
    'name', model.name,
    'description', model.description,
    'source_type', model.source_type,
    'currency', model.currency,
    'distribution_info', model.distribution_info,
    'markup', model.markup,
    'price_lists', array(
        select jsonb_build_object(
            'name', list.name,
            'description', list.description,
            'currency', list.currency,
            'effective_start_date', list.effective_start_date,
            'effective_end_date', list.effective_end_date,
            'enabled', list.enabled,
            'priority', mapped.priority,
            'rates', list.rates
        )
        from price_list_cost_model_map as mapped
        join price_list as list on list.uuid = mapped.price_list_id
        where mapped.cost_model_id = model.uuid
        order by mapped.priority, list.effective_start_date, list.uuid
    )
)::text as document
from cost_model as model
where model.source_type = 'OCP'
    and model.name = $1
