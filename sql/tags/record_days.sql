-- tags/record_days.sql
-- Purpose  note the version for which label summaries and tag mapping were done
-- Writes   ocp_day.tags_version
-- Params   $1 source_uuid uuid   $2 days date[]
-- Rerun    same version again
update ocp_day
set tags_version = version
where source_uuid = $1
    and usage_day = any($2::date[])
