-- api/settings.sql
-- Purpose  the settings of a tenant that decide how a request is read and answered
-- Reads    reporting_enabledtagkeys, reporting_tagmapping, reporting_ocp_cost_category, tenant_settings, cost_model,
--          cost_model_map
-- Writes   nothing
-- Units    none
-- Params   none
-- Rerun    same rows, same result
select
    (
        select coalesce(array_agg(distinct keys.key), '{}')
        from reporting_enabledtagkeys as keys
        where keys.provider_type = 'OCP'
            or keys.uuid in (select mapping.parent_id from reporting_tagmapping as mapping)
    )::text[] as tag_keys,
    (
        select coalesce(array_agg(category.name order by category.name collate "C"), '{}')
        from reporting_ocp_cost_category as category
    )::text[] as categories,
    (select max(settings.data_retention_months) from tenant_settings as settings) as retention_months,
    (
        select coalesce(jsonb_object_agg(map.provider_uuid, model.currency), '{}')
        from cost_model_map as map
        join cost_model as model on model.uuid = map.cost_model_id
    ) as model_currencies
