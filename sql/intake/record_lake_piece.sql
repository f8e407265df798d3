-- intake/record_lake_piece.sql
-- Purpose  record that a piece is in the lake
-- Writes   ocp_lake_piece   grain: piece
-- Params   $1 piece_id bigint   $2 checksum of its daily CSV text   $3 object key text   $4 rows bigint
--          $5 bytes bigint
-- Rerun    replaces the row; the same content has the same
insert into ocp_lake_piece (piece_id, checksum, parquet_key, row_count, byte_count)
values ($1, $2, $3, $4, $5)
on conflict (piece_id) do update
set checksum = excluded.checksum,
    parquet_key = excluded.parquet_key,
    row_count = excluded.row_count,
    byte_count = excluded.byte_count,
    converted_at = now()
