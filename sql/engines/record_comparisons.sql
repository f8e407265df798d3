-- engines/record_comparisons.sql
-- Purpose  record what the comparison of both engines found, per day; its last one counts, but that a day could not be
--          compared is not recorded over what another run found meanwhile
-- Writes   ocp_engine_comparison   grain: source × day
-- Params   $1 source_uuid uuid   $2 shadow text, postgres or trino   $3 days date[]   $4 outcomes text[]
-- $5 numbers of different rows bigint[]   $6 differences text[], JSON   $7 why it failed text, or NULL
-- $8 how long the comparison took, milliseconds double precision
-- Rerun    replaces the days
insert into ocp_engine_comparison (
    source_uuid, usage_day, shadow, outcome, different_row_count, differences, problem
)
select
    day.source_uuid,
    day.usage_day,
    $2,
    compared.outcome,
    compared.different_row_count,
    compared.differences::jsonb,
    $7
from unnest($3::date[], $4::text[], $5::bigint[], $6::text[]) as compared (
    usage_day, outcome, different_row_count, differences
)
join ocp_day as day
    on day.source_uuid = $1
    and day.usage_day = compared.usage_day
on conflict (source_uuid, usage_day) do update
set shadow = excluded.shadow,
    outcome = excluded.outcome,
    different_row_count = excluded.different_row_count,
    differences = excluded.differences,
    problem = excluded.problem,
    compared_at = now()
where excluded.outcome <> 'failed'
    or ocp_engine_comparison.compared_at < now() - $8 * interval '1 millisecond'
