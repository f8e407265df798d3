-- costs/drop_rates.sql
-- Purpose  remove the rates that price lists no longer have
-- Writes   cost_model_rate   grain: rate
-- Params   $1 lists uuid[]   $2 rates that stay uuid[]
-- Rerun    nothing is left to remove
delete from cost_model_rate as rate
where rate.price_list_id = any($1::uuid[])
    and rate.uuid <> all($2::uuid[])
