-- engines/live_pieces.sql
-- Purpose  the live pieces of some days of a source, and their files in the lake
-- Reads    ocp_piece, ocp_lake_piece
-- Grain    piece; dead_hours: UTC hours of it that do not count; parquet_key: NULL when its present content is not
--          there
-- Params   $1 source_uuid uuid   $2 days date[]
select
    piece.piece_id,
    piece.report_kind,
    piece.usage_day,
    piece.checksum,
    array(
        select hour.number
        from generate_series(0, 23) as hour (number)
        where ocp_is_dead_hour(piece.hour_mask, piece.live_hours, hour.number)
        order by hour.number
    ) as dead_hours,
    lake.parquet_key,
    lake.byte_count
from ocp_piece as piece
left join ocp_lake_piece as lake
    on lake.piece_id = piece.piece_id
    and lake.checksum = piece.checksum
where piece.source_uuid = $1
    and piece.usage_day = any($2::date[])
    and piece.live_hours > 0
order by piece.piece_id
