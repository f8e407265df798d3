-- summary/daily/greatest_part.sql
-- Purpose  for a month whose numbers do not fit the summary tables: the piece with the largest contribution to a
--          column; of days that are no longer in staging, the day
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging (pod × hour) and reporting_ocpusagelineitem_vm_staging
--          (VM × disk × hour); ocp_pod_day, ocp_capacity_day, ocp_vm_day; ocp_piece, ocp_file
-- Grain    at most one row. amount: the piece's own total of absolute values, or the day's; most: the limit of the
--          column; manifest_id, file_name: NULL for a day that is no longer in staging
-- Units    core-seconds / 3600 = core-hours; cores · 24 = core-hours of a day
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 last day of the month date
with live as materialized (
    select
        ocp_live_pieces('pod_usage', $1, $2::date, $3::date) as pod_pieces,
        ocp_dead_hours('pod_usage', $1, $2::date, $3::date) as pod_dead_hours,
        ocp_live_pieces('vm_usage', $1, $2::date, $3::date) as vm_pieces,
        ocp_dead_hours('vm_usage', $1, $2::date, $3::date) as vm_dead_hours,
        $2::date::timestamp at time zone 'UTC' as from_time,
        ($3::date + 1)::timestamp at time zone 'UTC' as until_time
),
node_hours as (
    select
        line.piece_id,
        sum(abs(line.pod_usage_cpu_core_seconds)) as usage_seconds,
        sum(abs(line.pod_request_cpu_core_seconds)) as request_seconds,
        sum(abs(line.pod_limit_cpu_core_seconds)) as limit_seconds,
        -- Capacity repeats on every pod of the node.
        max(abs(line.node_capacity_cpu_core_seconds)) as capacity_seconds,
        max(abs(line.node_capacity_cpu_cores)) as cores
    from live
    join reporting_ocpusagelineitem_pod_staging as line
        on ocp_is_live(line.piece_id, line.interval_start, live.pod_pieces, live.pod_dead_hours)
    where line.interval_start >= live.from_time
        and line.interval_start < live.until_time
    group by line.piece_id, line.node, line.interval_start
),
parts as (
    select
        pod_piece.piece_id,
        part.*
    from (
        select
            piece_id,
            sum(usage_seconds) / 3600 as usage_hours,
            sum(request_seconds) / 3600 as request_hours,
            sum(limit_seconds) / 3600 as limit_hours,
            sum(capacity_seconds) / 3600 as capacity_hours,
            max(cores) as cores
        from node_hours
        group by piece_id
    ) as pod_piece
    cross join lateral (
        values
            ('pod_usage_cpu_core_seconds', usage_hours, 'core-hours', 1e18::float8),
            ('pod_request_cpu_core_seconds', request_hours, 'core-hours', 1e18),
            ('pod_limit_cpu_core_seconds', limit_hours, 'core-hours', 1e18),
            ('node_capacity_cpu_core_seconds', capacity_hours, 'core-hours', 1e18),
            ('node_capacity_cpu_cores', cores, 'cores', 1e16)
    ) as part (column_name, amount, unit, most)
    union all
    select
        line.piece_id,
        'vm_cpu_request_cores',
        24 * max(abs(line.vm_cpu_request_cores)),
        'core-hours',
        1e18
    from live
    join reporting_ocpusagelineitem_vm_staging as line
        on ocp_is_live(line.piece_id, line.interval_start, live.vm_pieces, live.vm_dead_hours)
    where line.interval_start >= live.from_time
        and line.interval_start < live.until_time
    group by line.piece_id
),
day_parts as (
    select
        pod_day.usage_day,
        'pod_usage' as report_kind,
        part.*
    from (
        select
            usage_day,
            sum(abs(usage_cpu)) / 3600 as usage_hours,
            sum(abs(request_cpu)) / 3600 as request_hours,
            sum(abs(limit_cpu)) / 3600 as limit_hours,
            max(abs(capacity_cores)) as cores
        from ocp_pod_day
        where source_uuid = $1
            and usage_day between $2::date and $3::date
        group by usage_day
    ) as pod_day
    cross join lateral (
        values
            ('pod_usage_cpu_core_seconds', usage_hours, 'core-hours', 1e18::float8),
            ('pod_request_cpu_core_seconds', request_hours, 'core-hours', 1e18),
            ('pod_limit_cpu_core_seconds', limit_hours, 'core-hours', 1e18),
            ('node_capacity_cpu_cores', cores, 'cores', 1e16)
    ) as part (column_name, amount, unit, most)
    union all
    select
        usage_day,
        'pod_usage',
        'node_capacity_cpu_core_seconds',
        sum(abs(capacity_cpu)) / 3600,
        'core-hours',
        1e18
    from ocp_capacity_day
    where source_uuid = $1
        and usage_day between $2::date and $3::date
    group by usage_day
    union all
    select
        usage_day,
        'vm_usage',
        'vm_cpu_request_cores',
        24 * max(abs(last_request_cores)),
        'core-hours',
        1e18
    from ocp_vm_day
    where source_uuid = $1
        and usage_day between $2::date and $3::date
    group by usage_day
),
named as (
    select
        parts.column_name,
        parts.amount,
        parts.unit,
        parts.most,
        piece.usage_day,
        piece.manifest_id,
        file.file_name,
        parts.piece_id
    from parts
    join ocp_piece as piece using (piece_id)
    join ocp_file as file using (file_id)
    union all
    select
        day_parts.column_name,
        day_parts.amount,
        day_parts.unit,
        day_parts.most,
        day_parts.usage_day,
        null,
        null,
        null
    from day_parts
    -- What is in staging is told by its pieces: their contents may be newer than the relations.
    where not exists (
        select 1
        from ocp_piece as piece
        where piece.source_uuid = $1
            and piece.usage_day = day_parts.usage_day
            and piece.report_kind = day_parts.report_kind
            and piece.live_hours > 0
            and piece.state = 'staged'
    )
)
select
    column_name,
    amount,
    unit,
    most,
    usage_day,
    manifest_id,
    file_name
from named
where amount > 0
order by amount / most desc, piece_id, usage_day
limit 1
