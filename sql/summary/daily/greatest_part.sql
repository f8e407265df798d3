-- summary/daily/greatest_part.sql
-- Purpose  for a month whose numbers do not fit the summary tables: the piece with the largest contribution to a column
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging (pod × hour) and reporting_ocpusagelineitem_vm_staging
--          (VM × disk × hour); ocp_piece, ocp_file
-- Grain    at most one row. amount: the piece's own total of absolute values; most: the limit of the column
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
)
select
    parts.column_name,
    parts.amount,
    parts.unit,
    parts.most,
    piece.usage_day,
    piece.manifest_id,
    file.file_name
from parts
join ocp_piece as piece using (piece_id)
join ocp_file as file using (file_id)
where parts.amount > 0
order by parts.amount / parts.most desc, parts.piece_id
limit 1
