-- status/manifests.sql
-- Purpose  manifests of a tenant and their progress
-- Params   $1 prefix of the manifest UUID text   $2 maximum number of rows integer
select
    manifest.manifest_id as "manifestId",
    manifest.source_uuid as "sourceUuid",
    manifest.manifest_uuid as "manifestUuid",
    registered.cluster_id as "clusterId",
    provider.name as "clusterAlias",
    to_char(manifest.manifest_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "manifestDate",
    manifest.registered_at as "registeredAt",
    file.file_count as "fileCount",
    file.settled_count as "settledFileCount",
    piece.piece_count as "pieceCount",
    piece.loaded_count as "loadedPieceCount",
    file.row_count as "rowCount",
    file.rejected_count as "rejectedRowCount",
    left_out.value_count as "leftOutCount",
    case
        when manifest.release = 'timeout' and file.settled_count = 0 then 'incomplete: no file came'
        when registered.completed_datetime is null then 'unfinished'
        when file.failed_count > 0 or file.rejected_count > 0 then 'completed with errors'
        when manifest.release = 'timeout' then 'completed, files missing'
        else 'completed'
    end as state
from ocp_manifest as manifest
join public.reporting_common_costusagereportmanifest as registered on registered.id = manifest.manifest_id
join public.api_provider as provider on provider.uuid = manifest.source_uuid
cross join lateral (
    select
        count(*) as file_count,
        count(*) filter (where state <> 'awaited') as settled_count,
        count(*) filter (where state = 'failed') as failed_count,
        coalesce(sum(row_count), 0)::bigint as row_count,
        coalesce(sum(rejected_row_count), 0)::bigint as rejected_count
    from ocp_file
    where ocp_file.manifest_id = manifest.manifest_id
) as file
cross join lateral (
    select coalesce(sum(counted.value::bigint), 0)::bigint as value_count
    from ocp_file
    cross join lateral jsonb_each_text(ocp_file.left_out_counts) as counted
    where ocp_file.manifest_id = manifest.manifest_id
) as left_out
cross join lateral (
    select
        count(*) as piece_count,
        count(*) filter (where state in ('staged', 'swept')) as loaded_count
    from ocp_piece
    where ocp_piece.manifest_id = manifest.manifest_id
        and state <> 'abandoned'
) as piece
where starts_with(manifest.manifest_uuid::text, lower($1))
order by manifest.registered_at desc
limit $2
