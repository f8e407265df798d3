-- intake/record_control_sums.sql
-- Purpose  what the rows of a piece add up to, as they were sent to staging
-- Writes   ocp_piece_sum   grain: piece; core-seconds, byte-seconds
-- Params   $1 piece_id bigint   $2 checksum text   $3 UTC hours integer[]   $4 rows bigint[]   $5 core-seconds float8[]
--          $6 byte-seconds float8[] (by hour, same order)   $7, $8 magnitudes float8: sums of absolute values
-- Rerun    replaces the sums; the same content has the same
insert into ocp_piece_sum (
    piece_id, checksum, hours, row_counts, core_seconds, byte_seconds, core_seconds_magnitude, byte_seconds_magnitude
)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (piece_id) do update
set checksum = excluded.checksum,
    hours = excluded.hours,
    row_counts = excluded.row_counts,
    core_seconds = excluded.core_seconds,
    byte_seconds = excluded.byte_seconds,
    core_seconds_magnitude = excluded.core_seconds_magnitude,
    byte_seconds_magnitude = excluded.byte_seconds_magnitude
