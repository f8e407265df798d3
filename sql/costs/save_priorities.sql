-- costs/save_priorities.sql
-- Purpose  give a cost model its price lists, each with its priority
-- Writes   price_list_cost_model_map   grain: list of a model
-- Params   $1 model uuid   $2 lists jsonb: uuid and priority of each
-- Rerun    a list with the same priority is left alone
insert into price_list_cost_model_map as known (priority, cost_model_id, price_list_id)
select list.priority, $1, list.uuid
from jsonb_to_recordset($2::jsonb) as list (uuid uuid, priority integer)
order by list.priority, list.uuid
on conflict (price_list_id, cost_model_id) do update
set priority = excluded.priority
where known.priority <> excluded.priority
