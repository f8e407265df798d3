-- functions/104_vm_rate_lines.sql
-- Purpose  prices of virtual machines and of their cores, by month and by hour, plain and by a label
-- Formula  D = days of the month; all → cpu
--          vm_cost_per_month        1 / D · price, once per machine and day that requested CPU
--          vm_cost_per_hour         hours · price. Both are divided evenly over the machine's pod rows of the day, of
--          which
--              a live migration or a change of labels makes several
--          vm_core_cost_per_month   requested cores / D · price
--          vm_core_cost_per_hour    hours · requested cores · price. Both once per machine and day with a pod, all on
--          the
--              node of its latest hour of the month, with the labels of that day
--          hours: uptime in the VM report, of each hour once; a source and month without such reports: hourly rows of
--          the machine's pods. cores: the greatest of the day
-- Unit     months, hours, core-months and core-hours of a machine
-- Domain   §8.3, §8.4, §8.5; traps 33, 34, 35
-- Reads    daily summary: pod rows without rate type with the label vm_kubevirt_io_name; ocp_vm_day, also of other days
--          of the month; without VM reports ocp_pod_day
-- Grain    day × node × namespace × labels × category × rate
-- Rerun    repeatable definitions

-- Cores have a price only where VM reports tell their number.
create or replace function ocp_has_vm_reports(p_source_uuid uuid, p_month date) returns boolean
language sql stable
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
    select exists (
        select
        from ocp_vm_day
        where source_uuid = p_source_uuid
            and usage_day >= date_trunc('month', p_month::timestamp)::date
            and usage_day < (date_trunc('month', p_month::timestamp) + interval '1 month')::date
    )
$$;
comment on function ocp_has_vm_reports(uuid, date) is
'Whether the source sent reports of virtual machines in the month; otherwise hours of their pods stand for their uptime.';

create or replace function ocp_vm_sizes(p_source_uuid uuid, p_days date[])
returns table (usage_day date, namespace text, vm_name text, hours numeric, cores numeric)
language plpgsql stable rows 1000
set search_path from current
set plan_cache_mode = force_custom_plan
set jit = off
as $$
#variable_conflict use_column
begin
    if ocp_has_vm_reports(p_source_uuid, p_days[1]) then
        return query
        select
            usage_day,
            namespace,
            vm_name,
            sum(counted_uptime)::numeric / 3600,
            max(request_cores)::numeric
        from ocp_vm_day
        where source_uuid = p_source_uuid
            and usage_day = any(p_days)
        group by usage_day, namespace, vm_name;
        return;
    end if;

    -- Hours in which the pod was not scheduled too.
    return query
    select
        pod_day.usage_day,
        pod_day.namespace,
        label_set.labels ->> 'vm_kubevirt_io_name',
        sum(pod_day.row_count)::numeric,
        null::numeric
    from ocp_pod_day as pod_day
    join ocp_label_set as label_set using (label_set_id)
    where pod_day.source_uuid = p_source_uuid
        and pod_day.usage_day = any(p_days)
        and label_set.labels ? 'vm_kubevirt_io_name'
    group by pod_day.usage_day, pod_day.namespace, label_set.labels ->> 'vm_kubevirt_io_name';
end
$$;
comment on function ocp_vm_sizes(uuid, date[]) is
'Hours that each machine ran on each day, and its cores, which only VM reports tell.';

create or replace function ocp_vm_places(p_source_uuid uuid, p_month date)
returns table (namespace text, vm_name text, node text, resource_id text, labels jsonb)
language sql stable rows 1000
set search_path from current
set plan_cache_mode = force_custom_plan
set enable_mergejoin = off
set jit = off
as $$
    with last_place as materialized (
        -- In an hour of live migration the node that ran it longer. A stopped machine has no node; what counts is where
        -- it ran last.
        select distinct on (namespace, vm_name)
            usage_day,
            namespace,
            vm_name,
            nullif(node, '') as node,
            resource_id
        from ocp_vm_day
        where source_uuid = p_source_uuid
            and usage_day >= date_trunc('month', p_month::timestamp)::date
            and usage_day < (date_trunc('month', p_month::timestamp) + interval '1 month')::date
        order by namespace, vm_name, coalesce(node <> '', false) desc, last_hour desc, last_uptime desc, node collate "C"
    ),
    last_labels as (
        select
            place.namespace,
            place.vm_name,
            label.key,
            max(label.value collate "C") as value
        from last_place as place
        join reporting_ocpusagelineitem_daily_summary as summary
            on summary.usage_start = place.usage_day
            and summary.namespace = place.namespace
            and summary.pod_labels ->> 'vm_kubevirt_io_name' = place.vm_name
        cross join lateral jsonb_each_text(summary.pod_labels) as label
        where summary.source_uuid = p_source_uuid
            and summary.usage_start >= date_trunc('month', p_month::timestamp)::date
            and summary.usage_start < (date_trunc('month', p_month::timestamp) + interval '1 month')::date
            and summary.data_source = 'Pod'
            and summary.cost_model_rate_type is null
        group by place.namespace, place.vm_name, label.key
    ),
    labelled as (
        select
            namespace,
            vm_name,
            jsonb_object_agg(key, value) as labels
        from last_labels
        group by namespace, vm_name
    )
    select
        place.namespace,
        place.vm_name,
        place.node,
        place.resource_id,
        coalesce(labelled.labels, jsonb_build_object('vm_kubevirt_io_name', place.vm_name))
    from last_place as place
    left join labelled
        on labelled.namespace = place.namespace
        and labelled.vm_name = place.vm_name
$$;
comment on function ocp_vm_places(uuid, date) is
'Node that each machine was on in its latest hour of the month, and the labels of its pods on that day, of each key the greatest value: where its cores are charged on all days.';

create or replace function ocp_vm_month_hash(p_source_uuid uuid, p_month date) returns text
language sql stable
set search_path from current
as $$
    select case
        when exists (
            select
            from cost_model_rate as rate
            where rate.price_list_id = ocp_effective_price_list(p_source_uuid, p_month)
                and rate.metric in ('vm_cost_per_hour', 'vm_core_cost_per_month', 'vm_core_cost_per_hour')
        )
        then (
            select md5(concat_ws(
                e'\x01',
                ocp_has_vm_reports(p_source_uuid, p_month),
                string_agg(place::text, e'\x02' order by place.namespace, place.vm_name)
            ))
            from ocp_vm_places(p_source_uuid, p_month) as place
        )
    end
$$;
comment on function ocp_vm_month_hash(uuid, date) is
'Hash of what costs of virtual machines on any day of the month depend on beside that day; NULL where machines have no such price.';

create or replace function ocp_vm_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 10000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with price as materialized (
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            null::text as tag_key,
            null::text as tag_value,
            null::text[] as listed_values,
            unit_price
        from ocp_monthly_prices(p_source_uuid, p_days[1], array['vm_cost_per_month', 'vm_core_cost_per_month'])
        union all
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            null,
            null,
            null,
            unit_price
        from ocp_plain_prices(p_source_uuid, p_days[1], array['vm_cost_per_hour', 'vm_core_cost_per_hour'])
        union all
        select
            price_list_id,
            rate_id,
            metric,
            cost_type,
            tag_key,
            tag_value,
            listed_values,
            unit_price
        from ocp_tag_prices(
            p_source_uuid,
            p_days[1],
            array['vm_cost_per_month', 'vm_cost_per_hour', 'vm_core_cost_per_month', 'vm_core_cost_per_hour']
        )
    ),
    pod_rows as materialized (
        select
            usage_start,
            namespace,
            node,
            pod_labels,
            all_labels,
            cost_category_id,
            all_labels ->> 'vm_kubevirt_io_name' as vm_name,
            max(resource_id collate "C") as resource_id,
            coalesce(sum(pod_request_cpu_core_hours), 0) <> 0 as has_request
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start = any(p_days)
            and data_source = 'Pod'
            and cost_model_rate_type is null
            and namespace is not null
            and all_labels ? 'vm_kubevirt_io_name'
            and exists (select from price)
        group by usage_start, namespace, node, pod_labels, all_labels, cost_category_id
    ),
    vm_days as materialized (
        select
            usage_day,
            namespace,
            vm_name,
            hours,
            cores
        from ocp_vm_sizes(p_source_uuid, p_days)
        where exists (select from price where metric <> 'vm_cost_per_month')
    ),
    core_rows as materialized (
        select
            vm_day.usage_day as usage_start,
            vm_day.namespace,
            place.node,
            place.labels,
            ocp_cost_category_id(vm_day.namespace) as cost_category_id,
            place.resource_id,
            vm_day.hours,
            vm_day.cores
        from vm_days as vm_day
        join ocp_vm_places(p_source_uuid, p_days[1]) as place
            on place.namespace = vm_day.namespace
            and place.vm_name = vm_day.vm_name
        where vm_day.cores is not null
            -- A machine that was stopped all day has no pod, and no cost.
            and exists (
                select
                from pod_rows as pod
                where pod.usage_start = vm_day.usage_day
                    and pod.namespace = vm_day.namespace
                    and pod.vm_name = vm_day.vm_name
            )
    ),
    priced_rows as (
        select
            'vm_cost_per_month' as metric,
            'OCP_VM' as monthly_cost_type,
            usage_start,
            namespace,
            node,
            resource_id,
            pod_labels,
            all_labels,
            cost_category_id,
            1::numeric as amount,
            count(*) over (partition by usage_start, namespace, vm_name) * ocp_days_of_month(p_days[1]) as parts
        from pod_rows
        where has_request
        union all
        select
            'vm_cost_per_hour',
            null,
            pod.usage_start,
            pod.namespace,
            pod.node,
            pod.resource_id,
            pod.pod_labels,
            pod.all_labels,
            pod.cost_category_id,
            vm_day.hours,
            count(*) over (partition by pod.usage_start, pod.namespace, pod.vm_name)
        from pod_rows as pod
        join vm_days as vm_day
            on vm_day.usage_day = pod.usage_start
            and vm_day.namespace = pod.namespace
            and vm_day.vm_name = pod.vm_name
        union all
        select
            'vm_core_cost_per_month',
            'OCP_VM_CORE',
            usage_start,
            namespace,
            node,
            resource_id,
            labels,
            labels,
            cost_category_id,
            cores,
            ocp_days_of_month(p_days[1])
        from core_rows
        union all
        select
            'vm_core_cost_per_hour',
            null,
            usage_start,
            namespace,
            node,
            resource_id,
            labels,
            labels,
            cost_category_id,
            hours * cores,
            1
        from core_rows
    )
    select
        priced.usage_start,
        'Pod',
        priced.namespace,
        priced.node,
        priced.resource_id,
        null::text,
        null::text,
        null::text,
        priced.pod_labels,
        null::jsonb,
        priced.all_labels,
        priced.cost_category_id,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        price.cost_type,
        case when price.tag_key is null then priced.monthly_cost_type else 'Tag' end,
        null::text,
        price.price_list_id,
        price.rate_id,
        price.metric,
        'cpu',
        priced.amount / priced.parts,
        price.unit_price,
        priced.amount * price.unit_price / priced.parts
    from priced_rows as priced
    join price
        on price.metric = priced.metric
        and (price.tag_key is null or ocp_has_price(priced.pod_labels, price.tag_key, price.tag_value, price.listed_values))
$$;
comment on function ocp_vm_rate_lines(uuid, date[]) is
'Lines of the rates for virtual machines, for days of one month; each machine pays once a day.';
