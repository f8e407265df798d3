-- intake/register_pieces.sql
-- Purpose  ledger rows of the pieces a file was split into
-- Writes   ocp_piece   grain: file × day
-- Params   $1 file_id bigint   $2 manifest_id integer   $3 source_uuid uuid   $4 kind text   $5 failed boolean
--          $6 pieces jsonb [{usageDay, reportPeriodId, objectKey, byteCount, rowCount, rejectedRowCount, declaredHours,
--          hourMask, checksum}]
-- Rerun    an unchanged piece (same checksum) keeps its state; a changed one is registered anew
insert into ocp_piece as known (
    file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
    rejected_row_count, declared_hours, hour_mask, checksum, state
)
select
    $1,
    $2,
    $3,
    piece."reportPeriodId",
    $4,
    piece."usageDay",
    piece."objectKey",
    piece."byteCount",
    piece."rowCount",
    piece."rejectedRowCount",
    piece."declaredHours",
    piece."hourMask",
    piece.checksum,
    case when $5 then 'failed' else 'registered' end
from jsonb_to_recordset($6::jsonb) as piece (
    "usageDay" date,
    "reportPeriodId" integer,
    "objectKey" text,
    "byteCount" bigint,
    "rowCount" bigint,
    "rejectedRowCount" bigint,
    "declaredHours" integer,
    "hourMask" integer,
    checksum text
)
order by piece."usageDay"
on conflict (file_id, usage_day) do update
set report_kind = excluded.report_kind,
    object_key = excluded.object_key,
    byte_count = excluded.byte_count,
    row_count = excluded.row_count,
    rejected_row_count = excluded.rejected_row_count,
    declared_hours = excluded.declared_hours,
    hour_mask = excluded.hour_mask,
    checksum = excluded.checksum,
    state = case
        when $5 then 'failed'
        when known.checksum = excluded.checksum and known.state in ('staged', 'swept') then known.state
        else 'registered'
    end,
    processed_at = case when known.checksum = excluded.checksum then known.processed_at end
-- The pieces of an earlier, failed file stay.
where not $5 or known.state not in ('staged', 'swept')
returning piece_id, usage_day, state
