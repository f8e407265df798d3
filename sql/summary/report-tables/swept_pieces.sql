-- summary/report-tables/swept_pieces.sql
-- Purpose  live pieces that the report tables read and the sweep has dropped from staging
-- Reads    ocp_piece
-- Why      the GPU table reads the rebuilt days; the VM table reads the month: VM reports where there are any, else pods and
--          volumes
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 rebuilt days date[]
with month_pieces as (
    select
        piece_id,
        report_kind,
        usage_day,
        state
    from ocp_piece
    where source_uuid = $1
        and usage_day >= $2::date
        and usage_day < ($2::date + interval '1 month')::date
        and live_hours > 0
),
machines as (
    select exists (
        select 1
        from month_pieces
        where report_kind = 'vm_usage'
    ) as reported
)
select month_pieces.piece_id
from month_pieces
cross join machines
where month_pieces.state = 'swept'
    and (
        (month_pieces.report_kind = 'gpu_usage' and month_pieces.usage_day = any($3::date[]))
        or month_pieces.report_kind = 'vm_usage'
        or (month_pieces.report_kind in ('pod_usage', 'storage_usage') and not machines.reported)
    )
order by month_pieces.piece_id
