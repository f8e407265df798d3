-- status/manifest_pieces.sql
-- Purpose  pieces of a manifest, where their rows are, and the hours that the summary is built from; none: superseded
-- Reads    ocp_piece, ocp_lake_piece, ocp_source_month
-- Params   $1 manifest_id integer
select
    piece.usage_day as "usageDay",
    piece.report_kind as "reportKind",
    case
        when piece.declared_hours > 0 then piece.declared_hours
        else bit_count(piece.hour_mask::bit(24))::integer
    end as hours,
    piece.row_count as "rowCount",
    piece.state,
    coalesce(lake.checksum = piece.checksum, false) as "inLake",
    known.engine,
    piece.generation,
    array(
        select hour
        from generate_series(0, 23) as hour
        where piece.live_hours & piece.hour_mask & (1 << hour) <> 0
    ) as "liveHours",
    bit_count(piece.hour_mask::bit(24))::integer as "hoursWithRows",
    to_char(piece.processed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "processedAt"
from ocp_piece as piece
left join ocp_lake_piece as lake on lake.piece_id = piece.piece_id
left join ocp_source_month as known
    on known.source_uuid = piece.source_uuid
    and known.billing_month = date_trunc('month', piece.usage_day::timestamp)::date
where piece.manifest_id = $1
order by piece.usage_day, piece.report_kind, piece.piece_id
