-- focus/totals.sql
-- Purpose  what the lines of a source and month must add up to
-- Reads    daily summary
-- Grain    layer × currency of the cloud bill; distribution: × day × type
-- Units    currency of the line
-- Params   $1 source_uuid uuid   $2 first day of the month date
-- Rerun    same rows, same result
select
    part.layer,
    case when part.layer in ('cloud', 'markup') then nullif(summary.raw_currency, '') end as raw_currency,
    case when part.layer = 'distribution' then summary.usage_start::text end as usage_day,
    case when part.layer = 'distribution' then summary.cost_model_rate_type end as rate_type,
    sum(part.cost)::text as cost,
    sum(abs(part.cost))::text as absolute_cost
from reporting_ocpusagelineitem_daily_summary as summary
cross join lateral (
    values
        ('cloud', summary.infrastructure_raw_cost),
        ('markup', summary.infrastructure_markup_cost),
        ('rate', summary.cost_model_cpu_cost),
        ('rate', summary.cost_model_memory_cost),
        ('rate', summary.cost_model_volume_cost),
        ('rate', summary.cost_model_gpu_cost),
        ('distribution', summary.distributed_cost)
) as part (layer, cost)
where summary.source_uuid = $1::uuid
    and summary.usage_start >= $2::date
    and summary.usage_start < ($2::date + interval '1 month')::date
    and part.cost <> 0
group by 1, 2, 3, 4
order by 1, 2, 3, 4
