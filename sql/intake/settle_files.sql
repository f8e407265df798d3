-- intake/settle_files.sql
-- Purpose  mark files done whose pieces are all loaded
-- Writes   public.reporting_common_costusagereportstatus
-- Params   $1 manifest_id integer
-- Rerun    keeps the first completion time
update public.reporting_common_costusagereportstatus as status
set status = 1,
    completed_datetime = coalesce(status.completed_datetime, now())
from ocp_file as file
where file.manifest_id = $1
    and file.state = 'split'
    and status.manifest_id = $1
    and status.report_name = file.file_name
    and status.status <> 1
    and not exists (
        select 1
        from ocp_piece as piece
        where piece.file_id = file.file_id
            and piece.state not in ('staged', 'swept', 'abandoned')
    )
