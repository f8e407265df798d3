-- intake/register_files.sql
-- Purpose  all files a manifest lists, in the ledger and in public file status
-- Writes   ocp_file, public.reporting_common_costusagereportstatus   grain: manifest × file
-- Params   $1 manifest_id integer   $2 file names text[] in the manifest's order
-- Rerun    existing rows are kept as they are
with listed as (
    select
        file_name,
        position - 1 as file_index
    from unnest($2::text[]) with ordinality as file (file_name, position)
),
public_status as (
    insert into public.reporting_common_costusagereportstatus (manifest_id, report_name, status)
    select
        $1,
        file_name,
        3
    from listed
    order by file_index
    on conflict (manifest_id, report_name) do nothing
)
insert into ocp_file (manifest_id, file_index, file_name)
select
    $1,
    file_index,
    file_name
from listed
order by file_index
on conflict (manifest_id, file_name) do nothing
