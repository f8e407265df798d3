-- intake/abandon_files.sql
-- Purpose  abandon what one archive brought and no summary was built from, as an operator decided
-- Writes   ocp_piece.state, ocp_file.state and message, public.reporting_common_costusagereportstatus
-- Rules    The pieces become `failed`, not `abandoned`: their (kind, day) is then not summarised from this manifest at
--          all, not even in part, and a day whose only data they replace keeps its summary. What a summary was built
--          from stays. Splitting the archive again, as every replay does, registers the pieces anew.
-- Params   $1 manifest_id integer   $2 request id text   $3 message text
-- Locks    the caller holds the source
-- Rerun    nothing is left to abandon
with given_up as (
    update ocp_piece as piece
    set state = 'failed'
    from ocp_file as file
    where file.file_id = piece.file_id
        and file.manifest_id = $1
        and file.request_id = $2
        and piece.processed_at is null
        and piece.state in ('registered', 'staged', 'swept')
    returning piece.file_id
),
failed as (
    update ocp_file as file
    set state = 'failed',
        message = coalesce(file.message, $3),
        updated_at = now()
    where file.file_id in (select given_up.file_id from given_up)
    returning file.file_name
),
settled as (
    update public.reporting_common_costusagereportstatus as status
    set status = 2,
        failed_status = 4
    from failed
    where status.manifest_id = $1
        and status.report_name = failed.file_name
)
select count(*) as file_count
from failed
