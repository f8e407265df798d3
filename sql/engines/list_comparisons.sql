-- engines/list_comparisons.sql
-- Purpose  what comparisons of both engines found last, latest month first
-- Reads    ocp_engine_comparison, api_provider
-- Grain    source × month; differences: of the latest different day; problem: of the latest failed day
-- Params   $1 most rows integer
select
    compared.source_uuid as "sourceUuid",
    provider.name as "clusterAlias",
    to_char(compared.usage_day, 'YYYY-MM') as month,
    max(compared.shadow collate "C") as shadow,
    count(*) filter (where compared.outcome = 'equal') as "equalDayCount",
    count(*) filter (where compared.outcome = 'different') as "differentDayCount",
    count(*) filter (where compared.outcome = 'failed') as "failedDayCount",
    sum(compared.different_row_count)::bigint as "differentRowCount",
    to_char(max(compared.usage_day) filter (where compared.outcome = 'different'), 'YYYY-MM-DD') as "differentDay",
    (
        array_agg(compared.differences order by compared.usage_day desc) filter (where compared.outcome = 'different')
    )[1] as differences,
    (array_agg(compared.problem order by compared.usage_day desc) filter (where compared.outcome = 'failed'))[1] as problem,
    to_char(max(compared.compared_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "comparedAt"
from ocp_engine_comparison as compared
left join public.api_provider as provider on provider.uuid = compared.source_uuid
group by compared.source_uuid, provider.name, to_char(compared.usage_day, 'YYYY-MM')
order by to_char(compared.usage_day, 'YYYY-MM') desc, provider.name, compared.source_uuid
limit $1
