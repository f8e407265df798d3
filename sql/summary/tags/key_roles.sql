-- summary/tags/key_roles.sql
-- Purpose  what tag mapping must know of label keys before it maps them
-- Reads    reporting_enabledtagkeys, reporting_tagmapping, cost_model, price_list, cost_model_rate
-- Grain    one row per key that is known
-- Params   $1 keys text[]
select
    known.key,
    known.enabled,
    (
        select parent.key
        from reporting_tagmapping as pair
        join reporting_enabledtagkeys as parent on parent.uuid = pair.parent_id
        where pair.child_id = known.uuid
    ) as parent,
    exists (
        select 1
        from reporting_tagmapping as pair
        where pair.parent_id = known.uuid
    ) as is_parent,
    array(
        select 'price list ' || price_list.name
        from price_list
        where exists (
                select 1
                from cost_model_rate as rate
                where rate.price_list_id = price_list.uuid
                    and rate.tag_key = known.key
            )
            or jsonb_path_exists(price_list.rates, '$.**.tag_key ? (@ == $key)', jsonb_build_object('key', known.key))
        union
        select 'cost model ' || cost_model.name
        from cost_model
        where jsonb_path_exists(cost_model.rates, '$.**.tag_key ? (@ == $key)', jsonb_build_object('key', known.key))
        order by 1
    ) as used_by
from reporting_enabledtagkeys as known
where known.provider_type = 'OCP'
    and known.key = any($1::text[])
