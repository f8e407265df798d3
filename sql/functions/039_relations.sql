-- functions/039_relations.sql
-- Purpose  the daily relations of a range of days of one source, from its live pieces in staging
-- Reads    staging (033, 035, 036, 037, 038)
-- Writes   ocp_pod_day, ocp_capacity_day, ocp_claim_day, ocp_node_label_day, ocp_namespace_label_day, ocp_vm_day,
--          ocp_gpu_day
-- Error    OCP01 when staging lacks rows (functions/017)
-- Rerun    replaces the days

create or replace function ocp_rebuild_relations(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
as $$
begin
    perform ocp_rebuild_capacity_days(p_start_date, p_end_date, p_source_uuid);
    perform ocp_rebuild_pod_days(p_start_date, p_end_date, p_source_uuid);
    perform ocp_rebuild_claim_days(p_start_date, p_end_date, p_source_uuid);
    perform ocp_rebuild_object_label_days(p_start_date, p_end_date, p_source_uuid);
    perform ocp_rebuild_vm_days(p_start_date, p_end_date, p_source_uuid);
    perform ocp_rebuild_gpu_days(p_start_date, p_end_date, p_source_uuid);
end
$$;
comment on function ocp_rebuild_relations(date, date, uuid) is
'Rebuilds the daily relations of a range of days from the live pieces in staging; raises OCP01 with the pieces that are not there as loaded.';
