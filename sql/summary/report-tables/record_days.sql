-- summary/report-tables/record_days.sql
-- Purpose  note the version for which the UI tables were rebuilt
-- Writes   ocp_day.ui_version
-- Params   $1 source_uuid uuid   $2 days date[]
-- Rerun    same version again
update ocp_day
set ui_version = version
where source_uuid = $1
    and usage_day = any($2::date[])
