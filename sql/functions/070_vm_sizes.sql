-- functions/070_vm_sizes.sql
-- Purpose  what is known of each virtual machine of a source and month: node, size, labels, claims
-- Reads    ocp_vm_day; without VM reports ocp_pod_day and ocp_claim_day; daily summary
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
begin
    return query
    -- In an hour of live migration the node that ran it longer. A stopped machine has no node; what counts is where and
    -- how it ran last. Each disk repeats the machine.
    select distinct on (namespace, vm_name)
        namespace,
        vm_name,
        node,
        24 * max(last_request_cores),
        24 * max(last_request_memory) / 2 ^ 30
    from ocp_vm_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date
        and node <> ''
    group by namespace, vm_name, node, last_hour
    order by namespace, vm_name, last_hour desc, max(last_uptime) desc, node collate "C";
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
        usage.node collate "C",
        -- As text: jsonb compares texts by the database's collation.
        usage.pod_labels::text collate "C"
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
begin
    if exists (
        select
        from ocp_vm_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
    ) then
        return query
        select distinct
            namespace,
            vm_name,
            persistentvolumeclaim
        from ocp_vm_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
            and persistentvolumeclaim <> '';
        return;
    end if;

    -- Without VM reports the claims of a machine are those that its launcher pod mounts.
    if not exists (select from ocp_label_set where labels ? 'vm_kubevirt_io_name') then
        return;
    end if;
    return query
    with vm_pods as materialized (
        select distinct
            pod_day.namespace,
            pod_day.pod,
            label_set.labels ->> 'vm_kubevirt_io_name' as vm_name
        from ocp_pod_day as pod_day
        join ocp_label_set as label_set using (label_set_id)
        where pod_day.source_uuid = p_source_uuid
            and pod_day.usage_day between p_start_date and p_end_date
            and label_set.labels ? 'vm_kubevirt_io_name'
    )
    select distinct
        vm_pods.namespace,
        vm_pods.vm_name,
        claim_day.persistentvolumeclaim
    from ocp_claim_day as claim_day
    join vm_pods using (namespace, pod)
    where claim_day.source_uuid = p_source_uuid
        and claim_day.usage_day between p_start_date and p_end_date
        and claim_day.persistentvolumeclaim <> '';
end
$$;
comment on function ocp_vm_claims(uuid, date, date) is
'Claims that each virtual machine had in the month, by the VM report, or without one by the pods that mount them.';
