-- costs/insert_distribution.sql
-- Purpose  distribution rows of days: what projects get of shared costs, and what the pools give
-- Reads    ocp_distribution_lines (functions/111)
-- Writes   reporting_ocpusagelineitem_daily_summary   grain: distribution × day × namespace × node × category × data
--          source
-- Domain   §8.7, §8.1: no labels, no monthly type, only distributed_cost
-- Params   $1 source_uuid uuid   $2 days date[] (UTC) of one month
-- Rerun    the caller deletes the days' cost rows first
with prefix as materialized (
    select ocp_uuid_prefix() as text
)
insert into reporting_ocpusagelineitem_daily_summary (
    uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end, namespace, node, resource_id,
    cost_category_id, node_capacity_cpu_cores, node_capacity_cpu_core_hours, node_capacity_memory_gigabytes,
    node_capacity_memory_gigabyte_hours, cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
    raw_currency, cost_model_rate_type, distributed_cost, infrastructure_markup_cost, infrastructure_project_markup_cost,
    source_uuid
)
select
    ocp_row_uuid(prefix.text, row_number() over ()),
    cluster_day.report_period_id,
    cluster_day.cluster_id,
    cluster_day.cluster_alias,
    share.data_source,
    share.usage_start,
    share.usage_start,
    share.namespace,
    share.node,
    share.resource_id,
    share.cost_category_id,
    share.node_capacity_cpu_cores,
    share.node_capacity_cpu_core_hours,
    share.node_capacity_memory_gigabytes,
    share.node_capacity_memory_gigabyte_hours,
    share.cluster_capacity_cpu_core_hours,
    share.cluster_capacity_memory_gigabyte_hours,
    share.raw_currency,
    share.cost_model_rate_type,
    share.distributed_cost,
    setting.markup * 0,
    setting.markup * 0,
    $1
from ocp_distribution_lines($1, $2::date[]) as share
cross join prefix
cross join ocp_cost_settings($1) as setting
join ocp_cluster_days($1, $2::date[]) as cluster_day
    on cluster_day.usage_start = share.usage_start
