-- summary/validate/list_warnings.sql
-- Purpose  checks that days of a tenant did not pass, latest day first
-- Reads    ocp_validation_warning, api_provider
-- Grain    source × day × check
-- Params   $1 source_uuid uuid or NULL   $2, $3 first and last day date or NULL   $4 most rows integer
select
    warning.source_uuid as "sourceUuid",
    provider.name as "clusterAlias",
    warning.usage_day as "usageDay",
    warning.version,
    warning.check_name as "checkName",
    warning.expected,
    warning.found,
    to_char(warning.noted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "notedAt"
from ocp_validation_warning as warning
left join public.api_provider as provider on provider.uuid = warning.source_uuid
where ($1::uuid is null or warning.source_uuid = $1)
    and ($2::date is null or warning.usage_day >= $2)
    and ($3::date is null or warning.usage_day <= $3)
order by warning.usage_day desc, provider.name, warning.source_uuid, warning.check_name
limit $4
