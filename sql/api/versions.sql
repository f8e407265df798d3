-- api/versions.sql
-- Purpose  one hash of everything that answers are made of, so that a client need not be sent what it has; NULL where
--          another program writes the same tables without our ledger
-- Reads    ocp_day, ocp_adopted_table, cost_model, cost_model_map, reporting_enabledtagkeys, reporting_tagmapping,
--          reporting_ocp_cost_category, reporting_ocp_cost_category_namespace, reporting_ocp_clusters, tenant_settings,
--          public.api_customer, public.api_provider, public.api_providerinfrastructuremap
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
                select md5(string_agg(concat_ws(' ', keys.uuid, keys.key, keys.enabled, keys.provider_type), ',' order by keys.uuid))
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
            (
                select md5(string_agg(concat_ws(' ', cluster.cluster_id, cluster.cluster_alias), ',' order by cluster.uuid))
                from reporting_ocp_clusters as cluster
            ),
            (
                select md5(string_agg(concat_ws(' ', provider.uuid, cloud.infrastructure_type), ',' order by provider.uuid))
                from public.api_customer as customer
                join public.api_provider as provider on provider.customer_id = customer.id
                join public.api_providerinfrastructuremap as cloud on cloud.id = provider.infrastructure_id
                where customer.schema_name = current_schema()
            ),
            (select max(settings.data_retention_months) from tenant_settings as settings)
        ))
    end as versions
