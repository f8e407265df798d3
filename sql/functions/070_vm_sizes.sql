-- functions/070_vm_sizes.sql
-- Purpose  properties of each virtual machine of a source and month: node, size, labels, claims
-- Reads    live pieces of the month in staging (VM × disk × hour; pod × hour; pod × claim × hour), daily summary
-- Grain    one row per (namespace, VM), so that a join never counts a machine twice; claims: (namespace, VM, claim)
-- Params   first and last day of a month
-- Rerun    repeatable definitions

-- Size from the VM report. The factor 24 converts cores to core-hours per day, because reports divide by 24.
create or replace function ocp_vm_report_sizes(p_source_uuid uuid, p_start_date date, p_end_date date)
returns table (
    namespace text,
    vm_name text,
    node text,
    request_cpu_core_hours double precision,
    request_memory_gigabyte_hours double precision
)
language plpgsql stable
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_pieces bigint[] := ocp_live_pieces('vm_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('vm_usage', p_source_uuid, p_start_date, p_end_date);
begin
    return query
    -- A machine with several disks has one line per disk and hour, which repeat its size.
    with vm_hours as (
        select
            line.namespace,
            line.vm_name,
            line.node,
            line.interval_start,
            max(coalesce(line.vm_cpu_request_cores, 0)) as cores,
            max(coalesce(line.vm_memory_request_bytes, 0)) as memory_bytes,
            max(coalesce(line.vm_uptime_total_seconds, 0)) as uptime_seconds
        from reporting_ocpusagelineitem_vm_staging as line
        where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
            and line.interval_start >= p_start_date::timestamp at time zone 'UTC'
            and line.interval_start < (p_end_date + 1)::timestamp at time zone 'UTC'
            -- A stopped machine has no node; what counts is where and how it ran last.
            and line.node <> ''
        group by line.namespace, line.vm_name, line.node, line.interval_start
    )
    -- In an hour of live migration the node that ran it longer.
    select distinct on (namespace, vm_name)
        namespace,
        vm_name,
        node,
        24 * cores,
        24 * memory_bytes / 2 ^ 30
    from vm_hours
    order by namespace, vm_name, interval_start desc, uptime_seconds desc, node collate "C";
end
$$;
comment on function ocp_vm_report_sizes(uuid, date, date) is
'Node, CPU and memory request of each virtual machine in its latest hour of the month, as hours of a whole day.';

-- Reference day: the second-latest day with pod requests, because the latest may still be incomplete.
create or replace function ocp_vm_reference_day(p_source_uuid uuid, p_start_date date, p_end_date date) returns date
language sql stable
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
    select min(usage_start)
    from (
        select distinct usage_start
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start between p_start_date and p_end_date
            and data_source = 'Pod'
            and cost_model_rate_type is null
            and pod_request_cpu_core_hours is not null
        order by usage_start desc
        limit 2
    ) as latest
$$;
comment on function ocp_vm_reference_day(uuid, date, date) is
'Day whose labels and requests stand for the month: the second-latest with pod requests, or the only one.';

create or replace function ocp_vm_reference_pods(p_source_uuid uuid, p_start_date date, p_end_date date)
returns table (
    namespace text,
    vm_name text,
    node text,
    pod_labels jsonb,
    request_cpu_core_hours double precision,
    request_memory_gigabyte_hours double precision
)
language sql stable
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
    with reference as materialized (
        select ocp_vm_reference_day(p_source_uuid, p_start_date, p_end_date) as usage_day
    )
    -- A machine that did not run on the reference day is described by its own latest day instead of being lost.
    select distinct on (usage.namespace, usage.pod_labels ->> 'vm_kubevirt_io_name')
        usage.namespace::text,
        usage.pod_labels ->> 'vm_kubevirt_io_name',
        usage.node::text,
        usage.pod_labels,
        usage.pod_request_cpu_core_hours::double precision,
        usage.pod_request_memory_gigabyte_hours::double precision
    from reporting_ocpusagelineitem_daily_summary as usage
    cross join reference
    where usage.source_uuid = p_source_uuid
        and usage.usage_start between p_start_date and p_end_date
        and usage.data_source = 'Pod'
        and usage.cost_model_rate_type is null
        and usage.pod_request_cpu_core_hours is not null
        and usage.pod_labels ? 'vm_kubevirt_io_name'
    order by
        usage.namespace,
        usage.pod_labels ->> 'vm_kubevirt_io_name',
        (usage.usage_start = reference.usage_day) desc,
        usage.usage_start desc,
        usage.pod_effective_usage_cpu_core_hours desc,
        usage.node,
        usage.pod_labels
$$;
comment on function ocp_vm_reference_pods(uuid, date, date) is
'Node, labels and requests of the launcher pod of each virtual machine on the reference day.';

create or replace function ocp_vm_claims(p_source_uuid uuid, p_start_date date, p_end_date date)
returns table (namespace text, vm_name text, persistentvolumeclaim text)
language plpgsql stable
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_vm_pieces bigint[] := ocp_live_pieces('vm_usage', p_source_uuid, p_start_date, p_end_date);
    v_vm_dead_hours bigint[] := ocp_dead_hours('vm_usage', p_source_uuid, p_start_date, p_end_date);
    v_pod_pieces bigint[];
    v_pod_dead_hours bigint[];
    v_storage_pieces bigint[];
    v_storage_dead_hours bigint[];
    v_vm_sets bigint[];
    v_pieces bigint[];
    v_days date[];
    v_counts bigint[];
    v_namespaces text[];
    v_pods text[];
    v_pod_sets bigint[];
begin
    if exists (
        select 1
        from reporting_ocpusagelineitem_vm_staging as line
        where ocp_is_live(line.piece_id, line.interval_start, v_vm_pieces, v_vm_dead_hours)
            and line.interval_start >= v_from
            and line.interval_start < v_until
    ) then
        return query
        select distinct
            line.namespace,
            line.vm_name,
            line.vm_persistentvolumeclaim_name
        from reporting_ocpusagelineitem_vm_staging as line
        where ocp_is_live(line.piece_id, line.interval_start, v_vm_pieces, v_vm_dead_hours)
            and line.interval_start >= v_from
            and line.interval_start < v_until
            and line.vm_persistentvolumeclaim_name <> '';
        return;
    end if;

    -- Without VM reports the claims of a machine are those that its launcher pod mounts.
    v_pod_pieces := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_pod_dead_hours := ocp_dead_hours('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_storage_pieces := ocp_live_pieces('storage_usage', p_source_uuid, p_start_date, p_end_date);
    v_storage_dead_hours := ocp_dead_hours('storage_usage', p_source_uuid, p_start_date, p_end_date);

    v_vm_sets := array(select label_set.label_set_id from ocp_label_set as label_set where label_set.labels ? 'vm_kubevirt_io_name');
    if cardinality(v_vm_sets) = 0 then
        return;
    end if;
    -- The pods of the month are read once: for those of machines, and to count the rows of each piece.
    with pod_lines as materialized (
        select
            line.piece_id,
            case when line.label_set_id = any(v_vm_sets) then line.namespace end as namespace,
            case when line.label_set_id = any(v_vm_sets) then line.pod end as pod,
            case when line.label_set_id = any(v_vm_sets) then line.label_set_id end as label_set_id,
            (line.interval_start at time zone interval '0')::date as usage_day,
            count(*) as row_count
        from reporting_ocpusagelineitem_pod_staging as line
        where ocp_is_live(line.piece_id, line.interval_start, v_pod_pieces, v_pod_dead_hours)
            and line.interval_start >= v_from
            and line.interval_start < v_until
        group by 1, 2, 3, 4, 5
    )
    select
        array_agg(pod_lines.piece_id),
        array_agg(pod_lines.usage_day),
        array_agg(pod_lines.row_count),
        array_agg(pod_lines.namespace) filter (where pod_lines.label_set_id is not null),
        array_agg(pod_lines.pod) filter (where pod_lines.label_set_id is not null),
        array_agg(pod_lines.label_set_id) filter (where pod_lines.label_set_id is not null)
    into v_pieces, v_days, v_counts, v_namespaces, v_pods, v_pod_sets
    from pod_lines;
    perform ocp_require_rows('pod_usage', p_source_uuid, p_start_date, p_end_date, v_pieces, v_days, v_counts);
    perform ocp_require_staged('storage_usage', p_source_uuid, p_start_date, p_end_date);

    return query
    with vm_pods as materialized (
        select distinct
            pod.namespace,
            pod.pod,
            label_set.labels ->> 'vm_kubevirt_io_name' as vm_name
        from unnest(v_namespaces, v_pods, v_pod_sets) as pod (namespace, pod, label_set_id)
        join ocp_label_set as label_set using (label_set_id)
    )
    select distinct
        vm_pods.namespace,
        vm_pods.vm_name,
        line.persistentvolumeclaim
    from reporting_ocpusagelineitem_storage_staging as line
    join vm_pods using (namespace, pod)
    where ocp_is_live(line.piece_id, line.interval_start, v_storage_pieces, v_storage_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
        and line.persistentvolumeclaim <> '';
end
$$;
comment on function ocp_vm_claims(uuid, date, date) is
'Claims that each virtual machine had in the month, by the VM report, or without one by the pods that mount them.';
