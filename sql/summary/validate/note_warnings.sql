-- summary/validate/note_warnings.sql
-- Purpose  note the checks that days did not pass
-- Writes   ocp_validation_warning   grain: source × day × check
-- Params   $1 source_uuid uuid   $2 days date[]   $3 check names text[]   $4 expected float8[]   $5 found float8[]
-- Rerun    after forget_warnings.sql, same transaction
insert into ocp_validation_warning (source_uuid, usage_day, version, check_name, expected, found)
select
    day.source_uuid,
    day.usage_day,
    day.version,
    failed.check_name,
    failed.expected,
    failed.found
from unnest($2::date[], $3::text[], $4::float8[], $5::float8[]) as failed (usage_day, check_name, expected, found)
join ocp_day as day
    on day.source_uuid = $1
    and day.usage_day = failed.usage_day
