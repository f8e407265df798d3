-- intake/unsettled_files.sql
-- Purpose  files of a manifest that have not arrived or are not loaded yet
-- Params   $1 manifest_id integer
select
    file.file_name,
    file.state
from ocp_file as file
where file.manifest_id = $1
    and (
        file.state = 'awaited'
        or (
            file.state = 'split'
            and exists (
                select 1
                from ocp_piece as piece
                where piece.file_id = file.file_id
                    and piece.state = 'registered'
            )
        )
    )
order by file.file_index
