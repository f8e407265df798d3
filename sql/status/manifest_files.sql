-- status/manifest_files.sql
-- Purpose  files of a manifest; the message says what a file left out because of the limits on labels
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
    nullif(concat_ws('; ', ocp_file.message, nullif(bounds.message, '')), '') as message
from ocp_file
cross join lateral (
    select concat_ws(
            '; ',
            max(piece.left_out_label_keys) filter (where piece.left_out_label_keys > 0)
                || ' new label keys not entered (OCP_MAX_NEW_LABEL_KEYS)',
            sum(piece.reduced_label_sets) filter (where piece.reduced_label_sets > 0)
                || ' label sets reduced to enabled keys (OCP_MAX_NEW_LABEL_SETS)'
        ) as message
    from ocp_piece as piece
    where piece.manifest_id = $1
        and piece.file_id = ocp_file.file_id
) as bounds
where manifest_id = $1
order by file_index
