-- functions/071_vm_summary.sql
-- Purpose  reporting_ocp_vm_summary_p of one source and month
-- Reads    daily summary; functions/070_vm_sizes.sql (relations of the whole month); cost_model
-- Writes   reporting_ocp_vm_summary_p   grain: month × cluster × namespace × node × VM × rate type (× claim)
-- Units    requests in core-hours and GiB-hours of a whole day, sizes in GiB-months; "gigabyte" is 2^30 bytes
-- Why      one row covers several days and is dated with the first of them, so only rebuilding the whole month never
--          counts a day twice
-- Plans    rows written a moment ago have no statistics, and other joins of a month of them take minutes instead of a
--          second: the steps use hash joins
-- Rerun    deletes (source, month) first, same transaction; same input gives same rows

-- Compute: the cost of each machine's launcher pods.
create or replace function ocp_insert_vm_compute_rows(p_source_uuid uuid, p_start_date date, p_end_date date)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_rows bigint;
begin
    insert into reporting_ocp_vm_summary_p (
        id, cluster_alias, cluster_id, namespace, node, vm_name, cost_model_rate_type, usage_start, usage_end, source_uuid,
        resource_ids, pod_labels, pod_request_cpu_core_hours, pod_request_memory_gigabyte_hours,
        cost_model_cpu_cost, cost_model_memory_cost, cost_model_volume_cost, cost_model_gpu_cost, distributed_cost,
        infrastructure_markup_cost, infrastructure_raw_cost, raw_currency, cost_category_id
    )
    select
        gen_random_uuid(),
        line.cluster_alias,
        line.cluster_id,
        line.namespace,
        coalesce(size.node, pod.node),
        pod.vm_name,
        line.cost_model_rate_type,
        min(line.usage_start),
        max(line.usage_start),
        p_source_uuid,
        array_agg(distinct line.resource_id),
        pod.pod_labels,
        coalesce(size.request_cpu_core_hours, pod.request_cpu_core_hours),
        coalesce(size.request_memory_gigabyte_hours, pod.request_memory_gigabyte_hours),
        sum(line.cost_model_cpu_cost),
        sum(line.cost_model_memory_cost),
        sum(line.cost_model_volume_cost),
        sum(line.cost_model_gpu_cost),
        sum(line.distributed_cost),
        sum(line.infrastructure_markup_cost),
        sum(line.infrastructure_raw_cost),
        max(line.raw_currency collate "C"),
        max(line.cost_category_id)
    from reporting_ocpusagelineitem_daily_summary as line
    join ocp_vm_reference_pods(p_source_uuid, p_start_date, p_end_date) as pod
        on pod.namespace = line.namespace
        and pod.vm_name = line.pod_labels ->> 'vm_kubevirt_io_name'
    left join ocp_vm_report_sizes(p_source_uuid, p_start_date, p_end_date) as size
        on size.namespace = pod.namespace
        and size.vm_name = pod.vm_name
    where line.source_uuid = p_source_uuid
        and line.usage_start between p_start_date and p_end_date
        and line.data_source = 'Pod'
        and line.pod_labels ? 'vm_kubevirt_io_name'
        and ocp_is_real_namespace(line.namespace)
        and coalesce(line.cost_model_cpu_cost, 0)
        + coalesce(line.cost_model_memory_cost, 0)
        + coalesce(line.cost_model_volume_cost, 0)
        + coalesce(line.distributed_cost, 0)
        + coalesce(line.infrastructure_raw_cost, 0)
        + coalesce(line.infrastructure_markup_cost, 0) <> 0
    group by
        line.cluster_alias, line.cluster_id, line.namespace, line.cost_model_rate_type,
        pod.vm_name, pod.node, pod.pod_labels, pod.request_cpu_core_hours, pod.request_memory_gigabyte_hours,
        size.node, size.request_cpu_core_hours, size.request_memory_gigabyte_hours;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_vm_compute_rows(uuid, date, date) is
'Step of ocp_rebuild_vm_summary: cost of the launcher pods, with the size and labels of the machine.';

-- Distributed: each machine's share of the costs distributed to its namespace, by effective usage of (day, node).
create or replace function ocp_insert_vm_distributed_rows(p_source_uuid uuid, p_start_date date, p_end_date date)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_by_memory boolean := coalesce(
        (
            select bool_or(cost_model.distribution = 'memory')
            from cost_model_map as map
            join cost_model on cost_model.uuid = map.cost_model_id
            where map.provider_uuid = p_source_uuid
        ),
        false
    );
    v_rows bigint;
begin
    if not exists (
        select 1
        from reporting_ocpusagelineitem_daily_summary as line
        where line.source_uuid = p_source_uuid
            and line.usage_start between p_start_date and p_end_date
            and line.distributed_cost is not null
    )
    -- Most clusters have no machines: then nothing is weighed.
    or not exists (
        select 1
        from reporting_ocpusagelineitem_daily_summary as usage
        where usage.source_uuid = p_source_uuid
            and usage.usage_start between p_start_date and p_end_date
            and usage.data_source = 'Pod'
            and usage.cost_model_rate_type is null
            and usage.pod_labels ? 'vm_kubevirt_io_name'
    ) then
        return 0;
    end if;

    with pod_days as (
        select
            usage.usage_start,
            usage.namespace,
            usage.node,
            usage.pod_labels ->> 'vm_kubevirt_io_name' as vm_name,
            sum(
                case
                    when v_by_memory then usage.pod_effective_usage_memory_gigabyte_hours
                    else usage.pod_effective_usage_cpu_core_hours
                end
            ) as weight
        from reporting_ocpusagelineitem_daily_summary as usage
        where usage.source_uuid = p_source_uuid
            and usage.usage_start between p_start_date and p_end_date
            and usage.data_source = 'Pod'
            and usage.cost_model_rate_type is null
        group by usage.usage_start, usage.namespace, usage.node, usage.pod_labels ->> 'vm_kubevirt_io_name'
    ),
    vm_shares as (
        select
            usage_start,
            namespace,
            node,
            vm_name,
            weight,
            sum(weight) over (partition by usage_start, namespace, node) as namespace_weight
        from pod_days
    )
    insert into reporting_ocp_vm_summary_p (
        id, cluster_alias, cluster_id, namespace, node, vm_name, cost_model_rate_type, usage_start, usage_end, source_uuid,
        resource_ids, distributed_cost, raw_currency, cost_category_id
    )
    select
        gen_random_uuid(),
        line.cluster_alias,
        line.cluster_id,
        line.namespace,
        line.node,
        share.vm_name,
        line.cost_model_rate_type,
        min(line.usage_start),
        max(line.usage_start),
        p_source_uuid,
        array_agg(distinct line.resource_id),
        sum(line.distributed_cost * share.weight / share.namespace_weight),
        max(line.raw_currency collate "C"),
        max(line.cost_category_id)
    from reporting_ocpusagelineitem_daily_summary as line
    join vm_shares as share
        on share.usage_start = line.usage_start
        and share.namespace = line.namespace
        and share.node = line.node
    where line.source_uuid = p_source_uuid
        and line.usage_start between p_start_date and p_end_date
        and line.distributed_cost is not null
        and share.vm_name is not null
        and share.namespace_weight > 0
        and ocp_is_real_namespace(line.namespace)
    group by line.cluster_alias, line.cluster_id, line.namespace, line.node, share.vm_name, line.cost_model_rate_type;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_vm_distributed_rows(uuid, date, date) is
'Step of ocp_rebuild_vm_summary: share of the distributed cost, by the cost model''s distribution (cpu when there is none).';

-- Storage: the claims of each machine. Runs after the compute rows, whose labels it adds.
create or replace function ocp_insert_vm_storage_rows(p_source_uuid uuid, p_start_date date, p_end_date date)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
    v_rows bigint;
begin
    with storage_days as (
        select
            line.*,
            claim.vm_name
        from reporting_ocpusagelineitem_daily_summary as line
        join ocp_vm_claims(p_source_uuid, p_start_date, p_end_date) as claim
            on claim.namespace = line.namespace
            and claim.persistentvolumeclaim = line.persistentvolumeclaim
        where line.source_uuid = p_source_uuid
            and line.usage_start between p_start_date and p_end_date
            and line.data_source = 'Storage'
            and line.node is not null
            and line.resource_id is not null
    ),
    -- Cost rows may carry labels that a tag rate reduced: the claim's own labels are on its usage rows.
    claim_labels as (
        select distinct on (namespace, node, persistentvolumeclaim)
            namespace,
            node,
            persistentvolumeclaim,
            volume_labels
        from storage_days
        where cost_model_rate_type is null
            and volume_labels is not null
        order by namespace, node, persistentvolumeclaim, usage_start desc, volume_labels::text collate "C"
    ),
    vm_labels as (
        select distinct on (namespace, vm_name)
            namespace,
            vm_name,
            pod_labels
        from reporting_ocp_vm_summary_p
        where source_uuid = p_source_uuid
            and usage_start between p_start_date and p_end_date
            and persistentvolumeclaim is null
            and pod_labels is not null
        order by namespace, vm_name
    )
    insert into reporting_ocp_vm_summary_p (
        id, cluster_alias, cluster_id, namespace, node, vm_name, cost_model_rate_type, usage_start, usage_end, source_uuid,
        resource_ids, pod_labels, persistentvolumeclaim, storageclass,
        persistentvolumeclaim_capacity_gigabyte_months, persistentvolumeclaim_usage_gigabyte_months,
        cost_model_cpu_cost, cost_model_memory_cost, cost_model_volume_cost, cost_model_gpu_cost, distributed_cost,
        infrastructure_markup_cost, infrastructure_raw_cost, raw_currency, cost_category_id
    )
    select
        gen_random_uuid(),
        storage_days.cluster_alias,
        storage_days.cluster_id,
        storage_days.namespace,
        storage_days.node,
        storage_days.vm_name,
        storage_days.cost_model_rate_type,
        min(storage_days.usage_start),
        max(storage_days.usage_start),
        p_source_uuid,
        array_agg(distinct storage_days.resource_id),
        coalesce(claim_labels.volume_labels, '{}') || coalesce(vm_labels.pod_labels, '{}'),
        storage_days.persistentvolumeclaim,
        max(storage_days.storageclass collate "C"),
        max(storage_days.persistentvolumeclaim_capacity_gigabyte_months),
        max(storage_days.persistentvolumeclaim_usage_gigabyte_months),
        sum(storage_days.cost_model_cpu_cost),
        sum(storage_days.cost_model_memory_cost),
        sum(storage_days.cost_model_volume_cost),
        sum(storage_days.cost_model_gpu_cost),
        sum(storage_days.distributed_cost),
        sum(storage_days.infrastructure_markup_cost),
        sum(storage_days.infrastructure_raw_cost),
        max(storage_days.raw_currency collate "C"),
        max(storage_days.cost_category_id)
    from storage_days
    left join claim_labels using (namespace, node, persistentvolumeclaim)
    left join vm_labels using (namespace, vm_name)
    group by
        storage_days.cluster_alias, storage_days.cluster_id, storage_days.namespace, storage_days.node,
        storage_days.vm_name, storage_days.persistentvolumeclaim, storage_days.cost_model_rate_type,
        claim_labels.volume_labels, vm_labels.pod_labels;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_vm_storage_rows(uuid, date, date) is
'Step of ocp_rebuild_vm_summary: claims of each machine; sizes are the greatest day''s, costs are summed.';

create or replace function ocp_rebuild_vm_summary(p_source_uuid uuid, p_month date)
returns bigint
language plpgsql
set search_path from current
as $$
declare
    v_last_day date := p_month + interval '1 month' - interval '1 day';
begin
    if p_month <> date_trunc('month', p_month::timestamp)::date then
        raise exception 'month %: expected the first day of a month', p_month;
    end if;

    delete from reporting_ocp_vm_summary_p
    where source_uuid = p_source_uuid
        and usage_start between p_month and v_last_day;

    return ocp_insert_vm_compute_rows(p_source_uuid, p_month, v_last_day)
        + ocp_insert_vm_distributed_rows(p_source_uuid, p_month, v_last_day)
        + ocp_insert_vm_storage_rows(p_source_uuid, p_month, v_last_day);
end
$$;
comment on function ocp_rebuild_vm_summary(uuid, date) is
'Rebuilds the virtual machine table of a source and month (first day given); returns the rows written. Reads relations of the whole month.';
