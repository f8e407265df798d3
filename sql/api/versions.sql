-- api/versions.sql
-- Purpose  one hash of everything that answers are made of, so that a client need not be sent what it has; NULL where
--          another program writes the same tables without our ledger
-- Reads    ocp_day, ocp_adopted_table, cost_model, cost_model_map, reporting_enabledtagkeys, reporting_tagmapping,
--          reporting_ocp_cost_category, reporting_ocp_cost_category_namespace, tenant_settings
-- Writes   nothing
-- Units    none
-- Params   none
-- Rerun    same rows, same result
select
    case
        when exists (select from ocp_adopted_table where name = 'reporting_ocpusagelineitem_daily_summary') then null
        else md5(concat_ws(
            '/',
            (select md5(string_agg(day::text, ',' order by day.source_uuid, day.usage_day)) from ocp_day as day),
            (
                select md5(string_agg(concat_ws(' ', model.uuid, model.currency, model.updated_timestamp), ',' order by model.uuid))
                from cost_model as model
            ),
            (
                select md5(string_agg(concat_ws(' ', map.provider_uuid, map.cost_model_id), ',' order by map.id))
                from cost_model_map as map
            ),
            (
                select md5(string_agg(concat_ws(' ', keys.uuid, keys.key, keys.enabled), ',' order by keys.uuid))
                from reporting_enabledtagkeys as keys
            ),
            (
                select md5(string_agg(concat_ws(' ', mapping.parent_id, mapping.child_id), ',' order by mapping.id))
                from reporting_tagmapping as mapping
            ),
            (
                select md5(string_agg(concat_ws(' ', category.id, category.name), ',' order by category.id))
                from reporting_ocp_cost_category as category
            ),
            (
                select md5(string_agg(concat_ws(' ', pattern.namespace, pattern.cost_category_id), ',' order by pattern.id))
                from reporting_ocp_cost_category_namespace as pattern
            ),
            (select max(settings.data_retention_months) from tenant_settings as settings)
        ))
    end as versions
