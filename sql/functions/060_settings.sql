-- functions/060_settings.sql
-- Purpose  one hash of everything that a day's summary depends on, besides line items
-- Reads    reporting_enabledtagkeys, reporting_tagmapping, reporting_ocp_cost_category_namespace
-- Rerun    repeatable definition

create or replace function ocp_settings_hash(p_rules text, p_cluster_alias text) returns text
language sql stable
set search_path from current
as $$
    select md5(concat_ws(
        e'\x01',
        p_rules,
        coalesce(p_cluster_alias, ''),
        ocp_enabled_keys_hash(),
        (
            select string_agg(parent.key || e'\x02' || child.key, e'\x03' order by child.key collate "C")
            from reporting_tagmapping as mapping
            join reporting_enabledtagkeys as parent on parent.uuid = mapping.parent_id
            join reporting_enabledtagkeys as child on child.uuid = mapping.child_id
        ),
        (
            select string_agg(
                pattern.namespace || e'\x02' || pattern.cost_category_id, e'\x03' order by pattern.namespace collate "C"
            )
            from reporting_ocp_cost_category_namespace as pattern
        )
    ))
$$;
comment on function ocp_settings_hash(text, text) is
'Hash of rules profile, cluster alias, enabled keys, tag mappings and cost categories; a day summarised with another hash is rebuilt.';
