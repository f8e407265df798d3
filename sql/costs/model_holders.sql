-- costs/model_holders.sql
-- Purpose  which cost models sources have
-- Reads    cost_model_map, cost_model
-- Grain    one row per source and model
-- Params   $1 sources uuid[]
select
    mapped.provider_uuid::text as "sourceUuid",
    model.uuid::text as "modelUuid",
    model.name as "modelName"
from cost_model_map as mapped
join cost_model as model on model.uuid = mapped.cost_model_id
where mapped.provider_uuid = any($1::uuid[])
order by mapped.provider_uuid, model.name
