-- status/manifest_files.sql
-- Purpose  files of a manifest
-- Params   $1 manifest_id integer
select
    file_name as "fileName",
    report_kind as "reportKind",
    state,
    row_count as "rowCount",
    rejected_row_count as "rejectedRowCount",
    expired_row_count as "expiredRowCount",
    rejects_key as "rejectsKey",
    left_out_counts as "leftOutCounts",
    left_out_key as "leftOutKey",
    warnings,
    message
from ocp_file
where manifest_id = $1
order by file_index
