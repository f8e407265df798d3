-- intake/skip_files.sql
-- Purpose  skip files that an operator chose not to load
-- Writes   ocp_file.state, ocp_piece.state, public.reporting_common_costusagereportstatus
-- Params   $1 piece_id bigint of the file, or NULL   $2 manifest_id integer whose failed files to skip, or NULL
-- Rerun    skipped files stay skipped
with chosen as (
    select
        file.file_id,
        file.manifest_id,
        file.file_name
    from ocp_file as file
    where file.file_id = (select piece.file_id from ocp_piece as piece where piece.piece_id = $1)
        or (file.manifest_id = $2 and file.state = 'failed')
),
skipped as (
    update ocp_file as file
    set state = 'skipped',
        updated_at = now()
    from chosen
    where file.file_id = chosen.file_id
    returning file.file_id
),
abandoned as (
    update ocp_piece as piece
    set state = 'abandoned'
    from chosen
    where piece.file_id = chosen.file_id
        and piece.state in ('registered', 'failed')
),
settled as (
    update public.reporting_common_costusagereportstatus as status
    set status = 2,
        failed_status = 4
    from chosen
    where status.manifest_id = chosen.manifest_id
        and status.report_name = chosen.file_name
        and status.status <> 1
)
select count(*) as file_count
from skipped
