-- status/manifest_pieces.sql
-- Purpose  pieces of a manifest, with the hours that the summary is built from; none: superseded
-- Params   $1 manifest_id integer
select
    usage_day as "usageDay",
    report_kind as "reportKind",
    case when declared_hours > 0 then declared_hours else bit_count(hour_mask::bit(24))::integer end as hours,
    row_count as "rowCount",
    state,
    generation,
    array(
        select hour
        from generate_series(0, 23) as hour
        where live_hours & hour_mask & (1 << hour) <> 0
    ) as "liveHours",
    bit_count(hour_mask::bit(24))::integer as "hoursWithRows",
    to_char(processed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "processedAt"
from ocp_piece
where manifest_id = $1
order by usage_day, report_kind, piece_id
