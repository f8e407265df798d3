-- intake/record_file.sql
-- Purpose  what the split found in one file
-- Writes   ocp_file, public.reporting_common_costusagereportstatus
-- Status   1 done, 2 failed (failed_status 4: while processing), 4 processing until its pieces are staged
-- Params   $1 manifest_id integer   $2 file name text   $3 state text   $4 kind text   $5 rows bigint
--          $6 rejected rows bigint
--          $7 expired rows bigint   $8 rejects object key text   $9 message text   $10 request id text
--          $11 values left out by column jsonb   $12 left-out object key text   $13 warnings text[]
-- Rerun    same values again
with status as (
    update public.reporting_common_costusagereportstatus
    set status = case $3 when 'failed' then 2 when 'split' then 4 else 1 end,
        failed_status = case $3 when 'failed' then 4 end,
        started_datetime = case $3 when 'failed' then null else coalesce(started_datetime, now()) end,
        completed_datetime = case when $3 in ('empty', 'unknown_kind') then coalesce(completed_datetime, now()) end
    where manifest_id = $1
        and report_name = $2
)
update ocp_file
set state = $3,
    report_kind = $4,
    row_count = $5,
    rejected_row_count = $6,
    expired_row_count = $7,
    rejects_key = $8,
    message = $9,
    request_id = $10,
    left_out_counts = $11,
    left_out_key = $12,
    warnings = $13,
    updated_at = now()
where manifest_id = $1
    and file_name = $2
returning file_id
