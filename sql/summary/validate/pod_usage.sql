-- summary/validate/pod_usage.sql
-- Purpose  sums and counts of a day's pod rows, computed from the daily relations and found in the daily summary
-- Reads    ocp_pod_day, ocp_capacity_day, ocp_day_label_sets and ocp_day_label_maps (temporary, functions/042),
--          reporting_ocpusagelineitem_daily_summary: measured pod rows, so without rate type and cloud cost
-- Grain    check_name; expected and found in the unit that the name says; scale: size of what was added up
-- Units    core-seconds / 3600 = core-hours; byte-seconds / 3600 / 2^30 = GiB-hours
-- Plans    rows written a moment ago have no statistics: the caller has all joins hashed
-- Params   $1 source_uuid uuid   $2 usage_day date   $3 rules of the day text
with pod_days as materialized (
    select
        namespace,
        node,
        label_set_id,
        sum(usage_cpu) as usage_cpu,
        sum(request_cpu) as request_cpu,
        sum(case $3 when 'koku' then effective_cpu_koku else effective_cpu_design end) as effective_cpu,
        sum(usage_memory) as usage_memory,
        sum(request_memory) as request_memory,
        sum(case $3 when 'koku' then effective_memory_koku else effective_memory_design end) as effective_memory
    from ocp_pod_day
    where source_uuid = $1
        and usage_day = $2::date
        -- A pod without a node is not scheduled: it stays out of the summary.
        and node <> ''
    group by namespace, node, label_set_id
),
relation_day as (
    select
        sum(usage_cpu) / 3600 as usage_cpu,
        sum(request_cpu) / 3600 as request_cpu,
        sum(effective_cpu) / 3600 as effective_cpu,
        sum(usage_memory) / 3600 / 2 ^ 30 as usage_memory,
        sum(request_memory) / 3600 / 2 ^ 30 as request_memory,
        sum(effective_memory) / 3600 / 2 ^ 30 as effective_memory
    from pod_days
),
relation_capacity as (
    select
        count(*) as nodes,
        sum(capacity_cpu) / 3600 as cpu,
        sum(capacity_memory) / 3600 / 2 ^ 30 as memory
    from ocp_capacity_day
    where source_uuid = $1
        and usage_day = $2::date
),
relation_keys as (
    select count(*) as keys
    from (
        select distinct
            set_day.namespace,
            set_day.node,
            ocp_merge_labels($3, pod_map.labels, node_map.labels, namespace_map.labels) as labels
        from pod_days as set_day
        join ocp_day_label_sets as pod_map using (label_set_id)
        left join ocp_day_label_maps as node_map
            on node_map.report_kind = 'node_labels'
            and node_map.usage_day = $2::date
            and node_map.name = set_day.node
        left join ocp_day_label_maps as namespace_map
            on namespace_map.report_kind = 'namespace_labels'
            and namespace_map.usage_day = $2::date
            and namespace_map.name = set_day.namespace
    ) as merged
),
measured as materialized (
    select
        summary.node,
        -- These two hold what no pod took; the other namespaces are real.
        ocp_is_unallocated(summary.namespace) as is_unallocated,
        summary.pod_usage_cpu_core_hours as usage_cpu,
        summary.pod_request_cpu_core_hours as request_cpu,
        summary.pod_effective_usage_cpu_core_hours as effective_cpu,
        summary.pod_usage_memory_gigabyte_hours as usage_memory,
        summary.pod_request_memory_gigabyte_hours as request_memory,
        summary.pod_effective_usage_memory_gigabyte_hours as effective_memory,
        summary.node_capacity_cpu_core_hours as capacity_cpu,
        summary.node_capacity_memory_gigabyte_hours as capacity_memory
    from reporting_ocpusagelineitem_daily_summary as summary
    where summary.source_uuid = $1
        and summary.usage_start = $2::date
        and summary.data_source = 'Pod'
        and ocp_is_usage_row(summary.cost_model_rate_type, summary.infrastructure_raw_cost)
        and (ocp_is_real_namespace(summary.namespace) or ocp_is_unallocated(summary.namespace))
),
summary_day as (
    select
        count(*) filter (where not is_unallocated) as pod_rows,
        count(*) filter (where is_unallocated) as unallocated_rows,
        sum(usage_cpu) filter (where not is_unallocated) as usage_cpu,
        sum(request_cpu) filter (where not is_unallocated) as request_cpu,
        sum(effective_cpu) filter (where not is_unallocated) as effective_cpu,
        sum(usage_memory) filter (where not is_unallocated) as usage_memory,
        sum(request_memory) filter (where not is_unallocated) as request_memory,
        sum(effective_memory) filter (where not is_unallocated) as effective_memory,
        sum(effective_cpu) as effective_cpu_of_capacity,
        sum(effective_memory) as effective_memory_of_capacity
    from measured
),
summary_capacity as (
    select
        sum(capacity_cpu) as cpu,
        sum(capacity_memory) as memory
    from (
        select
            max(capacity_cpu) as capacity_cpu,
            max(capacity_memory) as capacity_memory
        from measured
        group by node
    ) as node_day
)
select
    checked.check_name,
    coalesce(checked.expected, 0) as expected,
    coalesce(checked.found, 0)::float8 as found,
    greatest(abs(coalesce(checked.expected, 0)), abs(coalesce(checked.found, 0))::float8) as scale
from relation_day
cross join relation_capacity
cross join relation_keys
cross join summary_day
cross join summary_capacity
cross join lateral (
    values
        ('pod_rows', relation_keys.keys::float8, summary_day.pod_rows::numeric),
        ('unallocated_rows', relation_capacity.nodes, summary_day.unallocated_rows),
        ('pod_usage_cpu_core_hours', relation_day.usage_cpu, summary_day.usage_cpu),
        ('pod_request_cpu_core_hours', relation_day.request_cpu, summary_day.request_cpu),
        ('pod_effective_usage_cpu_core_hours', relation_day.effective_cpu, summary_day.effective_cpu),
        ('pod_usage_memory_gigabyte_hours', relation_day.usage_memory, summary_day.usage_memory),
        ('pod_request_memory_gigabyte_hours', relation_day.request_memory, summary_day.request_memory),
        ('pod_effective_usage_memory_gigabyte_hours', relation_day.effective_memory, summary_day.effective_memory),
        ('node_capacity_cpu_core_hours', relation_capacity.cpu, summary_capacity.cpu),
        ('node_capacity_memory_gigabyte_hours', relation_capacity.memory, summary_capacity.memory),
        -- Effective usage with unallocated adds up to capacity, in both rules profiles.
        ('effective_usage_with_unallocated_cpu_core_hours', relation_capacity.cpu, summary_day.effective_cpu_of_capacity),
        ('effective_usage_with_unallocated_memory_gigabyte_hours', relation_capacity.memory, summary_day.effective_memory_of_capacity)
) as checked (check_name, expected, found)
order by checked.check_name
