-- summary/tags/record_days.sql
-- Purpose  note the version for which label summaries and tag mapping were done
-- Writes   ocp_day.tags_version, ui_version, cost_version
-- Why      another run's later steps may have come between the rebuild and the mapping, and read keys that were not mapped
--          yet: what they noted is taken back, so that they are done again
-- Params   $1 source_uuid uuid   $2 days date[]
-- Rerun    same version again
update ocp_day
set tags_version = version,
    ui_version = null,
    cost_version = null
where source_uuid = $1
    and usage_day = any($2::date[])
