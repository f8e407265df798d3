-- summary/report-tables/vm_summary.sql
-- Purpose  reporting_ocp_vm_summary_p: compute, distributed and storage rows of virtual machines
-- Reads    reporting_ocpusagelineitem_daily_summary, live staging of the whole month, cost_model
-- Writes   reporting_ocp_vm_summary_p   grain: month × cluster × namespace × node × VM × rate type (× claim)
-- Params   $1 source_uuid uuid   $2 first day of the month date
-- Rerun    deletes ($1, month) first, same transaction; same input gives same rows
select ocp_rebuild_vm_summary($1::uuid, $2::date) as row_count
