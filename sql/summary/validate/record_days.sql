-- summary/validate/record_days.sql
-- Purpose  note the version for which the days were validated
-- Writes   ocp_day.validated_version
-- Params   $1 source_uuid uuid   $2 days date[]
-- Rerun    same version again
update ocp_day
set validated_version = version
where source_uuid = $1
    and usage_day = any($2::date[])
