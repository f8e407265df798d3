-- costs/insert_gpu_distribution.sql
-- Purpose  distribution rows of days for GPUs that no pod held
-- Reads    ocp_gpu_distribution_lines (functions/112)
-- Writes   reporting_ocpusagelineitem_daily_summary   grain: day × namespace × node
-- Domain   §8.7, §8.1: no labels, resource or capacity, only distributed_cost
-- Params   $1 source_uuid uuid   $2 days date[] (UTC) of one month that is over
-- Rerun    the caller deletes the days' cost rows first
with prefix as materialized (
    select ocp_uuid_prefix() as text
)
insert into reporting_ocpusagelineitem_daily_summary (
    uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end, namespace, node,
    cost_category_id, cost_model_rate_type, distributed_cost, infrastructure_markup_cost, infrastructure_project_markup_cost,
    source_uuid
)
select
    ocp_row_uuid(prefix.text, row_number() over ()),
    cluster_day.report_period_id,
    cluster_day.cluster_id,
    cluster_day.cluster_alias,
    'GPU',
    share.usage_start,
    share.usage_start,
    share.namespace,
    share.node,
    share.cost_category_id,
    'gpu_distributed',
    share.distributed_cost,
    setting.markup * 0,
    setting.markup * 0,
    $1
from ocp_gpu_distribution_lines($1, $2::date[]) as share
cross join prefix
cross join ocp_cost_settings($1) as setting
join ocp_cluster_days($1, $2::date[]) as cluster_day
    on cluster_day.usage_start = share.usage_start
