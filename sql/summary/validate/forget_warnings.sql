-- summary/validate/forget_warnings.sql
-- Purpose  drop what earlier validations of the days found
-- Writes   ocp_validation_warning
-- Params   $1 source_uuid uuid   $2 days date[]
-- Rerun    part of the transaction that validates the days again
delete from ocp_validation_warning
where source_uuid = $1
    and usage_day = any($2::date[])
