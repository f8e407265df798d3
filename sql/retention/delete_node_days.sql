-- retention/delete_node_days.sql
-- Purpose  delete what the expired days of a source reported about its nodes; the last report about each node stays as
--          long as the source exists
-- Writes   ocp_node_day
-- Params   $1 source_uuid uuid   $2 first day kept date
-- Rerun    finds nothing
delete from ocp_node_day as expired
where expired.source_uuid = $1
    and expired.usage_day < $2::date
    and (
        not exists (select 1 from reporting_tenant_api_provider where uuid = $1)
        or exists (
            select 1
            from ocp_node_day as later
            where later.source_uuid = expired.source_uuid
                and later.node = expired.node
                and later.resource_id = expired.resource_id
                and later.cores = expired.cores
                and later.usage_day > expired.usage_day
                and later.usage_day < $2::date
                and (expired.node_role is null or later.node_role is not null)
                and (expired.architecture is null or later.architecture is not null)
        )
    )
