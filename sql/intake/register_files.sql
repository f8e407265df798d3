-- intake/register_files.sql
-- Purpose  all files a manifest lists, in the ledger and in public file status
-- Writes   ocp_file, public.reporting_common_costusagereportstatus   grain: manifest × file
-- Params   $1 manifest_id integer   $2 file names text[] in the manifest's order
-- Locks    the caller holds the manifest's row
-- Rerun    existing rows are kept: a file keeps its index, which its object keys contain, even if the manifest is
--          resent with its list in another order; new names are numbered after the known ones
with listed as (
    select
        file.file_name,
        row_number() over (order by file.position) - 1 as place
    from unnest($2::text[]) with ordinality as file (file_name, position)
    where not exists (
        select 1
        from ocp_file as known
        where known.manifest_id = $1
            and known.file_name = file.file_name
    )
),
public_status as (
    insert into public.reporting_common_costusagereportstatus (manifest_id, report_name, status)
    select
        $1,
        file.file_name,
        3
    from unnest($2::text[]) with ordinality as file (file_name, position)
    order by file.position
    on conflict (manifest_id, report_name) do nothing
)
insert into ocp_file (manifest_id, file_index, file_name)
select
    $1,
    place + (select coalesce(max(file_index) + 1, 0) from ocp_file where manifest_id = $1),
    file_name
from listed
order by place
