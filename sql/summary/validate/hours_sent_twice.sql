-- summary/validate/hours_sent_twice.sql
-- Purpose  hours of a day that several payloads without daily reports hold with different contents: both count
-- Reads    ocp_piece, ocp_manifest
-- Grain    report kind, only those that have such hours; found: number of hours
-- Params   $1 source_uuid uuid   $2 usage_day date
with sent as (
    select
        piece.report_kind,
        piece.manifest_id,
        bit_or(piece.live_hours & piece.hour_mask) as hours
    from ocp_piece as piece
    join ocp_manifest as manifest using (manifest_id)
    where piece.source_uuid = $1
        and piece.usage_day = $2::date
        and piece.live_hours > 0
        and not manifest.daily_reports
    group by piece.report_kind, piece.manifest_id
),
twice as (
    select
        sent.report_kind,
        hour.number
    from sent
    cross join generate_series(0, 23) as hour (number)
    where sent.hours & (1 << hour.number) <> 0
    group by sent.report_kind, hour.number
    having count(*) > 1
)
select
    'hours_sent_twice_' || report_kind as check_name,
    0::float8 as expected,
    count(*)::float8 as found,
    0::float8 as scale
from twice
group by report_kind
order by report_kind
