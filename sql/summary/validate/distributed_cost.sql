-- summary/validate/distributed_cost.sql
-- Purpose  distribution moves cost between namespaces, so each type adds up to 0 on every day
-- Reads    reporting_ocpusagelineitem_daily_summary: distribution rows
-- Grain    rate type, only types that the day has; scale: cost moved, in its currency
-- Params   $1 source_uuid uuid   $2 usage_day date
select
    'distributed_cost_' || summary.cost_model_rate_type as check_name,
    0::float8 as expected,
    sum(summary.distributed_cost)::float8 as found,
    sum(abs(summary.distributed_cost))::float8 as scale
from reporting_ocpusagelineitem_daily_summary as summary
where summary.source_uuid = $1
    and summary.usage_start = $2::date
    and summary.cost_model_rate_type is not null
    and summary.distributed_cost is not null
group by summary.cost_model_rate_type
order by summary.cost_model_rate_type
