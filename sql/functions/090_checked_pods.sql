-- functions/090_checked_pods.sql
-- Purpose  a day's pod rows in staging, summed for validation
-- Reads    live rows of reporting_ocpusagelineitem_pod_staging   grain: pod × hour; core-seconds, byte-seconds
-- Writes   ocp_checked_pods (temporary)         grain: namespace × node × pod × resource × label set
--          ocp_read_node_hours (temporary)   grain: node × hour (functions/033)
-- Why      staging is read again instead of the tables gathered by aggregation, or validation would repeat its
--          mistakes. Sums of several workers differ in the last digit, which a comparison within 1e-9 tolerates: so
--          these are parallel, and the planner, which expects many groups, is told that they are cheap to collect.
-- Params   source, UTC day, rules of the day
-- Rerun    replaces both tables, which end with the transaction

create or replace function ocp_gather_checked_pods(p_source_uuid uuid, p_usage_day date, p_rules text)
returns void
language plpgsql
set search_path from current
set client_min_messages = warning
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 2
set parallel_tuple_cost = 0.01
set work_mem = '64MB'
as $$
declare
    v_from timestamptz := p_usage_day::timestamp at time zone 'UTC';
    v_until timestamptz := (p_usage_day + 1)::timestamp at time zone 'UTC';
    v_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_usage_day, p_usage_day);
    v_dead_hours bigint[] := ocp_dead_hours('pod_usage', p_source_uuid, p_usage_day, p_usage_day);
begin
    drop table if exists pg_temp.ocp_checked_pods;
    create temporary table ocp_checked_pods on commit drop as
    select
        line.namespace,
        line.node,
        line.pod,
        line.resource_id,
        line.label_set_id,
        sum(line.pod_usage_cpu_core_seconds) as usage_cpu,
        sum(line.pod_request_cpu_core_seconds) as request_cpu,
        sum(ocp_effective_usage(line.pod_usage_cpu_core_seconds, line.pod_request_cpu_core_seconds, p_rules)) as effective_cpu,
        sum(line.pod_usage_memory_byte_seconds) as usage_memory,
        sum(line.pod_request_memory_byte_seconds) as request_memory,
        sum(
            ocp_effective_usage(line.pod_usage_memory_byte_seconds, line.pod_request_memory_byte_seconds, p_rules)
        ) as effective_memory
    from reporting_ocpusagelineitem_pod_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
        -- A pod without a node is not scheduled: it stays in staging and out of the summary.
        and line.node <> ''
    group by line.namespace, line.node, line.pod, line.resource_id, line.label_set_id;

    perform ocp_gather_node_hours(p_usage_day, p_usage_day, p_source_uuid);

    -- The other kinds that are read have few rows.
    perform ocp_require_staged(kind.report_kind, p_source_uuid, p_usage_day, p_usage_day)
    from unnest(array['storage_usage', 'node_labels', 'namespace_labels']) as kind (report_kind);
end
$$;
comment on function ocp_gather_checked_pods(uuid, date, text) is
'First step of validation: adds up a day''s pod rows, into the temporary tables ocp_checked_pods and ocp_read_node_hours; raises OCP01 when staging lacks rows.';
