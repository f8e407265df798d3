-- functions/038_vm_gpu_days.sql
-- Purpose  relations ocp_vm_day and ocp_gpu_day: virtual machines and GPUs of a range of days, added up
-- Reads    live rows of reporting_ocpusagelineitem_vm_staging (VM × disk × hour) and
--          reporting_ocpusagelineitem_gpu_staging (pod × GPU × hour)
-- Writes   ocp_vm_day    grain: day × namespace × node × VM × label set × claim of a disk
--          ocp_gpu_day   grain: day × node × namespace × pod × GPU × MIG instance
-- Error    OCP01 when staging lacks rows (functions/017)
-- Rerun    replaces the days

create or replace function ocp_rebuild_vm_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set jit = off
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('vm_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('vm_usage', p_source_uuid, p_start_date, p_end_date);
begin
    perform ocp_require_staged('vm_usage', p_source_uuid, p_start_date, p_end_date);

    delete from ocp_vm_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    if cardinality(v_pieces) = 0 then
        return;
    end if;
    -- Rows of one hour that have the same claim, or none, repeat the machine; each disk has a size of its own.
    insert into ocp_vm_day (
        usage_day, namespace, node, vm_name, label_set_id, persistentvolumeclaim, source_uuid, resource_id, row_count,
        last_hour, last_request_cores, last_request_memory, last_uptime, request_cores, counted_uptime,
        uptime, usage_cpu, request_cpu, limit_cpu, usage_memory, request_memory, limit_memory, disk_allocated,
        sent_core_seconds, sent_byte_seconds
    )
    select
        (vm_hour.interval_start at time zone v_utc)::date,
        vm_hour.namespace,
        vm_hour.node,
        vm_hour.vm_name,
        vm_hour.label_set_id,
        vm_hour.persistentvolumeclaim,
        p_source_uuid,
        max(vm_hour.resource_id collate "C"),
        sum(vm_hour.row_count),
        max(vm_hour.interval_start),
        (array_agg(vm_hour.cores order by vm_hour.interval_start desc))[1],
        (array_agg(vm_hour.memory_bytes order by vm_hour.interval_start desc))[1],
        (array_agg(vm_hour.uptime order by vm_hour.interval_start desc))[1],
        max(vm_hour.cores),
        coalesce(sum(vm_hour.uptime order by vm_hour.interval_start) filter (where vm_hour.place = 1), 0),
        sum(vm_hour.uptime order by vm_hour.interval_start),
        sum(vm_hour.usage_cpu order by vm_hour.interval_start),
        sum(vm_hour.request_cpu order by vm_hour.interval_start),
        sum(vm_hour.limit_cpu order by vm_hour.interval_start),
        sum(vm_hour.usage_memory order by vm_hour.interval_start),
        sum(vm_hour.request_memory order by vm_hour.interval_start),
        sum(vm_hour.limit_memory order by vm_hour.interval_start),
        sum(vm_hour.disk_allocated order by vm_hour.interval_start),
        sum(vm_hour.sent_core_seconds),
        sum(vm_hour.sent_byte_seconds)
    from (
        select
            *,
            -- Of the rows that an hour of a machine has, the one with the longest uptime stands for the hour.
            row_number() over (
                partition by namespace, vm_name, interval_start
                order by uptime desc, node collate "C", persistentvolumeclaim collate "C", labels_hash
            ) as place
        from (
            select
                line.namespace,
                line.node,
                line.vm_name,
                line.label_set_id,
                coalesce(line.vm_persistentvolumeclaim_name, '') as persistentvolumeclaim,
                line.interval_start,
                max(line.resource_id collate "C") as resource_id,
                count(*) as row_count,
                -- Ids of label sets depend on what arrived first. A hash is looked up only where a machine has two sets
                -- of labels in one hour.
                case
                    when count(*) over (
                        partition by
                            line.namespace,
                            line.vm_name,
                            line.interval_start,
                            line.node,
                            coalesce(line.vm_persistentvolumeclaim_name, '')
                    ) > 1
                        then (
                            select label_set.labels_hash
                            from ocp_label_set as label_set
                            where label_set.label_set_id = line.label_set_id
                        )
                end as labels_hash,
                max(coalesce(line.vm_cpu_request_cores, 0)) as cores,
                max(coalesce(line.vm_memory_request_bytes, 0)) as memory_bytes,
                max(coalesce(line.vm_uptime_total_seconds, 0)) as uptime,
                max(coalesce(line.vm_cpu_usage_total_seconds, 0)) as usage_cpu,
                max(coalesce(line.vm_cpu_request_core_seconds, 0)) as request_cpu,
                max(coalesce(line.vm_cpu_limit_core_seconds, 0)) as limit_cpu,
                max(coalesce(line.vm_memory_usage_byte_seconds, 0)) as usage_memory,
                max(coalesce(line.vm_memory_request_byte_seconds, 0)) as request_memory,
                max(coalesce(line.vm_memory_limit_byte_seconds, 0)) as limit_memory,
                sum(coalesce(line.vm_disk_allocated_size_byte_seconds, 0)) as disk_allocated,
                sum(
                    coalesce(line.vm_cpu_usage_total_seconds, 0)
                    + coalesce(line.vm_cpu_request_core_seconds, 0)
                    + coalesce(line.vm_cpu_limit_core_seconds, 0)
                ) as sent_core_seconds,
                sum(
                    coalesce(line.vm_memory_usage_byte_seconds, 0)
                    + coalesce(line.vm_memory_request_byte_seconds, 0)
                    + coalesce(line.vm_memory_limit_byte_seconds, 0)
                    + coalesce(line.vm_disk_allocated_size_byte_seconds, 0)
                ) as sent_byte_seconds
            from reporting_ocpusagelineitem_vm_staging as line
            where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
                and line.interval_start >= v_from
                and line.interval_start < v_until
            group by 1, 2, 3, 4, 5, 6
        ) as hour_row
    ) as vm_hour
    group by 1, 2, 3, 4, 5, 6;
end
$$;
comment on function ocp_rebuild_vm_days(date, date, uuid) is 'Step of ocp_rebuild_relations: virtual machines, by disk.';

create or replace function ocp_rebuild_gpu_days(p_start_date date, p_end_date date, p_source_uuid uuid)
returns void
language plpgsql
set search_path from current
set jit = off
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_utc interval := '0';
    v_pieces bigint[] := ocp_live_pieces('gpu_usage', p_source_uuid, p_start_date, p_end_date);
    v_dead_hours bigint[] := ocp_dead_hours('gpu_usage', p_source_uuid, p_start_date, p_end_date);
begin
    perform ocp_require_staged('gpu_usage', p_source_uuid, p_start_date, p_end_date);

    delete from ocp_gpu_day
    where source_uuid = p_source_uuid
        and usage_day between p_start_date and p_end_date;

    if cardinality(v_pieces) = 0 then
        return;
    end if;
    -- One row per pod and GPU: its columns are the greatest of the day.
    insert into ocp_gpu_day (
        usage_day, node, namespace, pod, gpu_uuid, mig_instance_id, source_uuid, row_count, uptime,
        vendor_name, model_name, memory_mib, gpu_max_slices, mig_slice_count, mig_memory_mib, mig_profile, mig_strategy
    )
    select
        (line.interval_start at time zone v_utc)::date,
        line.node,
        line.namespace,
        line.pod,
        line.gpu_uuid,
        line.mig_instance_id,
        p_source_uuid,
        count(*),
        coalesce(sum(line.gpu_pod_uptime), 0),
        max(line.gpu_vendor_name collate "C"),
        max(line.gpu_model_name collate "C"),
        max(coalesce(line.gpu_memory_capacity_mib, 0)),
        max(line.gpu_max_slices),
        max(line.mig_slice_count),
        max(line.mig_memory_capacity_mib),
        max(line.mig_profile collate "C"),
        max(line.mig_strategy collate "C")
    from reporting_ocpusagelineitem_gpu_staging as line
    where ocp_is_live(line.piece_id, line.interval_start, v_pieces, v_dead_hours)
        and line.interval_start >= v_from
        and line.interval_start < v_until
    group by 1, 2, 3, 4, 5, 6;
end
$$;
comment on function ocp_rebuild_gpu_days(date, date, uuid) is 'Step of ocp_rebuild_relations: GPUs and MIG instances that pods held.';
