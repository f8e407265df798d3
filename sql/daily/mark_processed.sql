-- daily/mark_processed.sql
-- Purpose  note that a summary was built from the live pieces of the days
-- Writes   ocp_piece.processed_at
-- Params   $1 source_uuid uuid   $2 days date[]
-- Rerun    keeps the first time
update ocp_piece
set processed_at = now()
where source_uuid = $1
    and usage_day = any($2::date[])
    and generation = 'live'
    and processed_at is null
