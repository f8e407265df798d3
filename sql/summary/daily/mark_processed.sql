-- summary/daily/mark_processed.sql
-- Purpose  record that a summary was built from the live pieces of the days
-- Writes   ocp_piece.processed_at
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 days that keep an older summary date[]
-- Rerun    keeps the first time
update ocp_piece
set processed_at = now()
where source_uuid = $1
    and usage_day >= $2::date
    and usage_day < ($2::date + interval '1 month')::date
    and usage_day <> all($3::date[])
    and state in ('staged', 'swept')
    and live_hours > 0
    and processed_at is null
