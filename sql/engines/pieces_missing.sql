-- engines/pieces_missing.sql
-- Purpose  live pieces of some days of a source that are not where an engine reads them
-- Reads    ocp_piece, ocp_lake_piece
-- Grain    piece; of pieces with newer content that no run has loaded yet, none
-- Params   $1 source_uuid uuid   $2 days date[]   $3 engine text, postgres or trino
select piece.piece_id
from ocp_piece as piece
left join ocp_lake_piece as lake using (piece_id)
where piece.source_uuid = $1
    and piece.usage_day = any($2::date[])
    and piece.live_hours > 0
    and piece.state in ('staged', 'swept')
    and ocp_is_missing($3, piece.state, piece.checksum, lake.checksum)
order by piece.piece_id
