-- focus/days.sql
-- Purpose  which days of a month are whole: hours that were reported, and whether the cost step has followed
-- Reads    ocp_day, ocp_piece, ocp_cost_settings_hash
-- Grain    source × day of the ledger
-- Units    hours of a UTC day
-- Params   $1 sources uuid[]   $2 first day of the month date   $3 today date
-- Rerun    same rows, same result
select
    day.source_uuid,
    day.usage_day::text as usage_day,
    coalesce((
        select bit_count(bit_or(piece.live_hours)::bit(24))
        from ocp_piece as piece
        where piece.source_uuid = day.source_uuid
            and piece.usage_day = day.usage_day
            and piece.report_kind = 'pod_usage'
            and piece.live_hours > 0
    ), 0)::integer as hours,
    day.cost_version is not distinct from day.version
    and day.cost_settings_hash is not distinct from expected.hash as is_priced,
    day.summarised_at
from unnest($1::uuid[]) as source (source_uuid)
cross join lateral ocp_cost_settings_hash(source.source_uuid, $2::date, $3::date) as expected (hash)
join ocp_day as day
    on day.source_uuid = source.source_uuid
    and day.usage_day >= $2::date
    and day.usage_day < ($2::date + interval '1 month')::date
order by
    day.usage_day,
    day.source_uuid
