-- costs/cost_breakdown.sql
-- Purpose  costs of days by project and rate: lines of rates, markup, and what distribution gives and takes
-- Reads    ocp_cost_lines (functions/110), cost_model_rate, reporting_ocpusagelineitem_daily_summary
-- Grain    project × rate: the rate's name, 'markup', or the kind of distribution; cloud cost itself is not a cost of
--          the model
-- Units    currency of the cost model
-- Params   $1 source_uuid uuid   $2 days date[] (UTC) of one month, whose cost rows are those of the present model
with line as (
    select
        cost_line.namespace,
        coalesce(nullif(rate.custom_name, ''), cost_line.metric) as rate,
        cost_line.cost
    from ocp_cost_lines($1, $2::date[]) as cost_line
    left join cost_model_rate as rate on rate.uuid = cost_line.rate_id
    union all
    select
        namespace,
        cost_model_rate_type,
        distributed_cost
    from reporting_ocpusagelineitem_daily_summary
    where source_uuid = $1
        and usage_start = any($2::date[])
        and distributed_cost is not null
    union all
    select
        namespace,
        'markup',
        infrastructure_markup_cost
    from reporting_ocpusagelineitem_daily_summary
    where source_uuid = $1
        and usage_start = any($2::date[])
        and infrastructure_markup_cost <> 0
)
select
    coalesce(namespace, '') as project,
    rate,
    round(sum(cost), 9)::float8 as cost
from line
group by 1, 2
having sum(cost) <> 0
