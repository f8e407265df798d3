-- status/miscounted_days.sql
-- Purpose  days for which the rows in staging differ from the ledger
-- Reads    ocp_piece, api_provider, the staging table of the kind (its index by piece)
-- Grain    source × month; only live pieces that are staged are compared
-- Params   $1 report kind text   $2 maximum number of rows integer
with staged as (
    select
        min(usage_day) as first_day,
        max(usage_day) as last_day,
        array_agg(piece_id) as piece_ids
    from ocp_piece
    where report_kind = $1
        and state = 'staged'
        and live_hours > 0
),
counted as materialized (
    select
        found.piece_id,
        found.usage_day,
        found.row_count
    from staged
    cross join lateral ocp_count_rows($1, staged.first_day, staged.last_day, staged.piece_ids) as found
)
select
    provider_tenant.org_id as "orgId",
    source.cluster_id as "clusterId",
    to_char(piece.usage_day, 'YYYY-MM') as month,
    count(distinct piece.usage_day)::integer as "dayCount",
    min(piece.usage_day) as "firstDay",
    sum(piece.row_count)::bigint as expected,
    sum(coalesce(here.row_count, 0))::bigint as found
from ocp_piece as piece
left join counted as here
    on here.piece_id = piece.piece_id
    and here.usage_day = piece.usage_day
left join lateral (
    select sum(elsewhere.row_count) as row_count
    from counted as elsewhere
    where elsewhere.piece_id = piece.piece_id
        and elsewhere.usage_day <> piece.usage_day
) as elsewhere on true
cross join lateral (
    select
        period.cluster_id
    from reporting_ocpusagereportperiod as period
    where period.id = piece.report_period_id
) as source
cross join lateral (
    select customer.org_id
    from public.api_customer as customer
    where customer.schema_name = current_schema()
    limit 1
) as provider_tenant
where piece.report_kind = $1
    and piece.state = 'staged'
    and piece.live_hours > 0
    and (piece.row_count <> coalesce(here.row_count, 0) or elsewhere.row_count > 0)
group by 1, 2, 3
order by 2, 3
limit $2
