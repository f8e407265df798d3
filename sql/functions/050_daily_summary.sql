-- functions/050_daily_summary.sql
-- Purpose  usage rows of the daily summary for a range of days of one source and month
-- Reads    live staging rows (hourly; core-seconds, byte-seconds), label sets, node and cost category tables
-- Writes   reporting_ocpusagelineitem_daily_summary   grain: see each insert
-- Units    core-seconds / 3600 = core-hours; byte-seconds / 3600 / 2^30 = GiB-hours;
--          byte-seconds / (86400 · days of the month) / 2^30 = GiB-months; "gigabyte" is 2^30 bytes throughout
-- Setting  ocp.rules = design | koku, set for the transaction by the caller
-- Rerun    deletes the range's usage rows first, same transaction; same input gives same rows

-- Effective usage of one hourly row: what the row is charged for.
create or replace function ocp_effective_usage(p_usage double precision, p_request double precision, p_rules text)
returns double precision
language sql immutable parallel safe
as $$
    select case
        when p_rules = 'koku' then greatest(coalesce(p_usage, 0), coalesce(p_request, 0))
        -- design: nobody pays for an unused request; a blank request is absent, not 0.
        when p_request is null then coalesce(p_usage, 0)
        else least(coalesce(p_usage, 0), p_request)
    end
$$;
comment on function ocp_effective_usage(double precision, double precision, text) is
'koku: max(usage, request). design: min(usage, request), or usage when the request is blank. Same unit as its arguments.';

create or replace function ocp_rules() returns text
language plpgsql stable
as $$
declare
    v_rules text := current_setting('ocp.rules', true);
begin
    if v_rules is null or v_rules not in ('design', 'koku') then
        raise exception 'ocp.rules is %: expected design or koku', coalesce(nullif(v_rules, ''), 'not set')
        using hint = 'Run: select set_config(''ocp.rules'', ''design'', true); in the same transaction.';
    end if;
    return v_rules;
end
$$;
comment on function ocp_rules() is 'Rules profile of the transaction; raises when it is not set, so that no summary is built by accident.';

-- Pod rows: one per (day, namespace, node, merged enabled labels).
create or replace function ocp_insert_pod_rows(
    p_start_date date, p_end_date date, p_report_period_id integer, p_cluster_id text, p_cluster_alias text, p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
declare
    v_rules text := ocp_rules();
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_keys text[] := ocp_enabled_keys();
    v_keys_hash text := ocp_enabled_keys_hash();
    v_rows bigint;
begin
    with hourly as (
        select
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.*
        from reporting_ocpusagelineitem_pod_staging as line
        where line.piece_id = any(v_pieces)
            and line.interval_start >= v_from
            and line.interval_start < v_until
            -- A pod without a node is not scheduled: it stays in staging and out of the summary.
            and line.node <> ''
    ),
    -- Capacity repeats on every pod of the node: the maximum of each hour, summed over the hours.
    node_hours as (
        select
            usage_day,
            node,
            max(coalesce(node_capacity_cpu_core_seconds, 0)) as cpu_core_seconds,
            max(coalesce(node_capacity_memory_byte_seconds, 0)) as memory_byte_seconds
        from hourly
        group by usage_day, node, interval_start
    ),
    node_days as (
        select
            usage_day,
            node,
            sum(cpu_core_seconds) / 3600 as cpu_core_hours,
            sum(memory_byte_seconds) / 3600 / 2 ^ 30 as memory_gigabyte_hours
        from node_hours
        group by usage_day, node
    ),
    cluster_days as (
        select
            usage_day,
            sum(cpu_core_hours) as cpu_core_hours,
            sum(memory_gigabyte_hours) as memory_gigabyte_hours
        from node_days
        group by usage_day
    ),
    -- First by label set, an integer: label maps are merged once per set and day, not once per row.
    set_days as (
        select
            usage_day,
            namespace,
            node,
            label_set_id,
            max(resource_id) as resource_id,
            sum(coalesce(pod_usage_cpu_core_seconds, 0)) as usage_cpu,
            sum(coalesce(pod_request_cpu_core_seconds, 0)) as request_cpu,
            sum(ocp_effective_usage(pod_usage_cpu_core_seconds, pod_request_cpu_core_seconds, v_rules)) as effective_cpu,
            sum(coalesce(pod_limit_cpu_core_seconds, 0)) as limit_cpu,
            sum(coalesce(pod_usage_memory_byte_seconds, 0)) as usage_memory,
            sum(coalesce(pod_request_memory_byte_seconds, 0)) as request_memory,
            sum(ocp_effective_usage(pod_usage_memory_byte_seconds, pod_request_memory_byte_seconds, v_rules)) as effective_memory,
            sum(coalesce(pod_limit_memory_byte_seconds, 0)) as limit_memory,
            -- Bounded as the column is: one absurd value must not stop the month.
            least(max(coalesce(node_capacity_cpu_cores, 0)), 1e15) as capacity_cores,
            max(coalesce(node_capacity_memory_bytes, 0)) as capacity_memory_bytes
        from hourly
        group by usage_day, namespace, node, label_set_id
    ),
    merged as (
        select
            set_days.*,
            case v_rules
                when 'koku' then
                    coalesce(node_map.labels, '{}') || coalesce(namespace_map.labels, '{}') || pod_map.labels
                else
                    pod_map.labels || coalesce(node_map.labels, '{}') || coalesce(namespace_map.labels, '{}')
            end as labels
        from set_days
        join ocp_label_set as label_set using (label_set_id)
        cross join lateral (select ocp_enabled_labels(label_set, v_keys, v_keys_hash) as labels) as pod_map
        left join ocp_daily_label_maps('node_labels', p_source_uuid, p_start_date, p_end_date) as node_map
            on node_map.usage_day = set_days.usage_day
            and node_map.name = set_days.node
        left join ocp_daily_label_maps('namespace_labels', p_source_uuid, p_start_date, p_end_date) as namespace_map
            on namespace_map.usage_day = set_days.usage_day
            and namespace_map.name = set_days.namespace
    )
    insert into reporting_ocpusagelineitem_daily_summary (
        uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end,
        namespace, node, resource_id, pod_labels, all_labels,
        pod_usage_cpu_core_hours, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours, pod_limit_cpu_core_hours,
        pod_usage_memory_gigabyte_hours, pod_request_memory_gigabyte_hours,
        pod_effective_usage_memory_gigabyte_hours, pod_limit_memory_gigabyte_hours,
        node_capacity_cpu_cores, node_capacity_cpu_core_hours,
        node_capacity_memory_gigabytes, node_capacity_memory_gigabyte_hours,
        cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
        infrastructure_usage_cost, cost_category_id, source_uuid
    )
    select
        gen_random_uuid(),
        p_report_period_id,
        p_cluster_id,
        p_cluster_alias,
        'Pod',
        merged.usage_day,
        merged.usage_day,
        merged.namespace,
        merged.node,
        max(merged.resource_id),
        merged.labels,
        merged.labels,
        sum(merged.usage_cpu) / 3600,
        sum(merged.request_cpu) / 3600,
        sum(merged.effective_cpu) / 3600,
        sum(merged.limit_cpu) / 3600,
        sum(merged.usage_memory) / 3600 / 2 ^ 30,
        sum(merged.request_memory) / 3600 / 2 ^ 30,
        sum(merged.effective_memory) / 3600 / 2 ^ 30,
        sum(merged.limit_memory) / 3600 / 2 ^ 30,
        max(merged.capacity_cores),
        max(node_days.cpu_core_hours),
        max(merged.capacity_memory_bytes) / 2 ^ 30,
        max(node_days.memory_gigabyte_hours),
        max(cluster_days.cpu_core_hours),
        max(cluster_days.memory_gigabyte_hours),
        '{"cpu": 0.000000000, "memory": 0.000000000, "storage": 0.000000000}',
        ocp_cost_category_id(merged.namespace),
        p_source_uuid
    from merged
    join node_days
        on node_days.usage_day = merged.usage_day
        and node_days.node = merged.node
    join cluster_days
        on cluster_days.usage_day = merged.usage_day
    group by merged.usage_day, merged.namespace, merged.node, merged.labels;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_pod_rows(date, date, integer, text, text, uuid) is
'Step of populate_daily_summary_from_staging: pod usage and node and cluster capacity.';

-- Storage rows: one per (day, namespace, node, resource_id, claim, volume, class, handle, merged enabled labels).
create or replace function ocp_insert_storage_rows(
    p_start_date date, p_end_date date, p_report_period_id integer, p_cluster_id text, p_cluster_alias text, p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
declare
    v_rules text := ocp_rules();
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_pod_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_pieces bigint[] := ocp_live_pieces('storage_usage', p_source_uuid, p_start_date, p_end_date);
    v_keys text[] := ocp_enabled_keys();
    v_keys_hash text := ocp_enabled_keys_hash();
    v_month_seconds double precision :=
        86400 * extract(day from date_trunc('month', p_start_date) + interval '1 month' - interval '1 day');
    v_rows bigint;
begin
    if cardinality(v_pieces) = 0 then
        return 0;
    end if;

    with storage_days as (
        select
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.namespace,
            line.pod,
            line.persistentvolumeclaim,
            line.persistentvolume,
            line.storageclass,
            line.csi_volume_handle,
            line.persistentvolume_label_set_id,
            line.persistentvolumeclaim_label_set_id,
            max(coalesce(line.persistentvolumeclaim_capacity_bytes, 0)) as capacity_bytes,
            sum(coalesce(line.persistentvolumeclaim_capacity_byte_seconds, 0)) as capacity_byte_seconds,
            sum(coalesce(line.volume_request_storage_byte_seconds, 0)) as request_byte_seconds,
            sum(coalesce(line.persistentvolumeclaim_usage_byte_seconds, 0)) as usage_byte_seconds
        from reporting_ocpusagelineitem_storage_staging as line
        where line.piece_id = any(v_pieces)
            and line.interval_start >= v_from
            and line.interval_start < v_until
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ),
    -- The node of a volume is the node of the pod that mounts it; the file's own node column is not used.
    pod_nodes as (
        select
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.namespace,
            line.pod,
            line.node,
            max(line.resource_id) as resource_id
        from reporting_ocpusagelineitem_pod_staging as line
        where line.piece_id = any(v_pod_pieces)
            and line.interval_start >= v_from
            and line.interval_start < v_until
            and line.node <> ''
            and exists (
                select 1
                from (select distinct namespace, pod from storage_days) as mounted
                where mounted.namespace = line.namespace
                    and mounted.pod = line.pod
            )
        group by 1, 2, 3, 4
    ),
    volume_nodes as (
        select distinct
            storage_days.usage_day,
            storage_days.persistentvolumeclaim,
            storage_days.persistentvolume,
            pod_nodes.pod,
            pod_nodes.namespace,
            pod_nodes.node,
            pod_nodes.resource_id
        from storage_days
        join pod_nodes using (usage_day, namespace, pod)
    ),
    -- A volume mounted on several nodes is shared between them.
    node_counts as (
        select
            usage_day,
            persistentvolume,
            count(distinct node) as nodes
        from volume_nodes
        group by usage_day, persistentvolume
    ),
    placed as (
        select
            storage_days.*,
            pod_nodes.node,
            pod_nodes.resource_id,
            coalesce(node_counts.nodes, 1) as nodes
        from storage_days
        left join pod_nodes using (usage_day, namespace, pod)
        left join node_counts using (usage_day, persistentvolume)
    ),
    merged as (
        select
            placed.*,
            case v_rules
                when 'koku' then
                    coalesce(node_map.labels, '{}') || coalesce(namespace_map.labels, '{}') || volume_map.labels || claim_map.labels
                else
                    volume_map.labels || claim_map.labels || coalesce(node_map.labels, '{}') || coalesce(namespace_map.labels, '{}')
            end as labels
        from placed
        join ocp_label_set as volume_set on volume_set.label_set_id = placed.persistentvolume_label_set_id
        join ocp_label_set as claim_set on claim_set.label_set_id = placed.persistentvolumeclaim_label_set_id
        cross join lateral (select ocp_enabled_labels(volume_set, v_keys, v_keys_hash) as labels) as volume_map
        cross join lateral (select ocp_enabled_labels(claim_set, v_keys, v_keys_hash) as labels) as claim_map
        left join ocp_daily_label_maps('node_labels', p_source_uuid, p_start_date, p_end_date) as node_map
            on node_map.usage_day = placed.usage_day
            and node_map.name = placed.node
        left join ocp_daily_label_maps('namespace_labels', p_source_uuid, p_start_date, p_end_date) as namespace_map
            on namespace_map.usage_day = placed.usage_day
            and namespace_map.name = placed.namespace
    )
    insert into reporting_ocpusagelineitem_daily_summary (
        uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end,
        namespace, node, resource_id, persistentvolumeclaim, persistentvolume, storageclass, volume_labels, all_labels,
        persistentvolumeclaim_capacity_gigabyte, persistentvolumeclaim_capacity_gigabyte_months,
        volume_request_storage_gigabyte_months, persistentvolumeclaim_usage_gigabyte_months,
        infrastructure_usage_cost, cost_category_id, source_uuid
    )
    select
        gen_random_uuid(),
        p_report_period_id,
        p_cluster_id,
        p_cluster_alias,
        'Storage',
        merged.usage_day,
        merged.usage_day,
        merged.namespace,
        merged.node,
        merged.resource_id,
        merged.persistentvolumeclaim,
        merged.persistentvolume,
        merged.storageclass,
        merged.labels,
        merged.labels,
        max(merged.capacity_bytes) / 2 ^ 30,
        sum(merged.capacity_byte_seconds) / v_month_seconds / 2 ^ 30,
        sum(merged.request_byte_seconds / merged.nodes) / v_month_seconds / 2 ^ 30,
        sum(merged.usage_byte_seconds / merged.nodes) / v_month_seconds / 2 ^ 30,
        '{"cpu": 0.000000000, "memory": 0.000000000, "storage": 0.000000000}',
        ocp_cost_category_id(merged.namespace),
        p_source_uuid
    from merged
    group by
        merged.usage_day, merged.namespace, merged.node, merged.resource_id, merged.persistentvolumeclaim,
        merged.persistentvolume, merged.storageclass, merged.csi_volume_handle, merged.labels;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_storage_rows(date, date, integer, text, text, uuid) is
'Step of populate_daily_summary_from_staging: volumes, placed on the nodes of the pods that mount them.';

-- Unallocated rows: one per (day, node), capacity minus what the pod rows just built took.
-- The role of a node comes from the day's own line items, not from reporting_ocp_nodes, whose rows keep what was seen
-- first: else the order in which payloads arrive would decide where the capacity is charged.
create or replace function ocp_insert_unallocated_rows(p_start_date date, p_end_date date, p_source_uuid uuid)
returns bigint
language plpgsql
set search_path from current
set plan_cache_mode = force_custom_plan
as $$
declare
    v_from timestamptz := p_start_date::timestamp at time zone 'UTC';
    v_until timestamptz := (p_end_date + 1)::timestamp at time zone 'UTC';
    v_pod_pieces bigint[] := ocp_live_pieces('pod_usage', p_source_uuid, p_start_date, p_end_date);
    v_node_label_pieces bigint[] := ocp_live_pieces('node_labels', p_source_uuid, p_start_date, p_end_date);
    v_rows bigint;
begin
    with node_days as (
        select
            report_period_id,
            cluster_id,
            cluster_alias,
            usage_start,
            node,
            max(resource_id) as resource_id,
            sum(pod_usage_cpu_core_hours) as usage_cpu,
            sum(pod_request_cpu_core_hours) as request_cpu,
            sum(pod_effective_usage_cpu_core_hours) as effective_cpu,
            sum(pod_usage_memory_gigabyte_hours) as usage_memory,
            sum(pod_request_memory_gigabyte_hours) as request_memory,
            sum(pod_effective_usage_memory_gigabyte_hours) as effective_memory,
            max(node_capacity_cpu_cores) as cores,
            max(node_capacity_cpu_core_hours) as node_cpu,
            max(node_capacity_memory_gigabytes) as memory,
            max(node_capacity_memory_gigabyte_hours) as node_memory,
            max(cluster_capacity_cpu_core_hours) as cluster_cpu,
            max(cluster_capacity_memory_gigabyte_hours) as cluster_memory
        from reporting_ocpusagelineitem_daily_summary
        where source_uuid = p_source_uuid
            and usage_start between p_start_date and p_end_date
            and data_source = 'Pod'
            and cost_model_rate_type is null
            and coalesce(infrastructure_raw_cost, 0) = 0
            and node is not null
            and namespace not in (
                'Platform unallocated', 'Worker unallocated', 'Storage unattributed', 'Network unattributed', 'GPU unallocated'
            )
        group by report_period_id, cluster_id, cluster_alias, usage_start, node
    ),
    pod_roles as (
        select
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.node,
            max(nullif(line.node_role, '')) as sent_role,
            bool_or(line.namespace = 'openshift-kube-apiserver') as runs_api_server
        from reporting_ocpusagelineitem_pod_staging as line
        where line.piece_id = any(v_pod_pieces)
            and line.interval_start >= v_from
            and line.interval_start < v_until
            and line.node <> ''
        group by 1, 2
    ),
    infra_nodes as (
        select distinct
            (line.interval_start at time zone 'UTC')::date as usage_day,
            line.node
        from reporting_ocpusagelineitem_node_labels_staging as line
        join ocp_label_set as label_set using (label_set_id)
        where line.piece_id = any(v_node_label_pieces)
            and line.interval_start >= v_from
            and line.interval_start < v_until
            and label_set.labels ->> 'node_role_kubernetes_io' = 'infra'
    ),
    named as (
        select
            node_days.*,
            case
                when coalesce(
                    pod_roles.sent_role,
                    case
                        when pod_roles.runs_api_server then 'master'
                        when infra_nodes.node is not null then 'infra'
                    end
                ) in ('master', 'infra') then 'Platform unallocated'
                -- An unknown role counts as worker: a NULL namespace would hide the capacity from every price.
                else 'Worker unallocated'
            end as namespace
        from node_days
        left join pod_roles
            on pod_roles.usage_day = node_days.usage_start
            and pod_roles.node = node_days.node
        left join infra_nodes
            on infra_nodes.usage_day = node_days.usage_start
            and infra_nodes.node = node_days.node
    )
    insert into reporting_ocpusagelineitem_daily_summary (
        uuid, report_period_id, cluster_id, cluster_alias, data_source, usage_start, usage_end,
        namespace, node, resource_id, all_labels,
        pod_usage_cpu_core_hours, pod_request_cpu_core_hours, pod_effective_usage_cpu_core_hours,
        pod_usage_memory_gigabyte_hours, pod_request_memory_gigabyte_hours, pod_effective_usage_memory_gigabyte_hours,
        node_capacity_cpu_cores, node_capacity_cpu_core_hours,
        node_capacity_memory_gigabytes, node_capacity_memory_gigabyte_hours,
        cluster_capacity_cpu_core_hours, cluster_capacity_memory_gigabyte_hours,
        cost_category_id, source_uuid
    )
    select
        gen_random_uuid(),
        named.report_period_id,
        named.cluster_id,
        named.cluster_alias,
        'Pod',
        named.usage_start,
        named.usage_start,
        named.namespace,
        named.node,
        named.resource_id,
        '{}',
        named.node_cpu - named.usage_cpu,
        named.node_cpu - named.request_cpu,
        named.node_cpu - named.effective_cpu,
        named.node_memory - named.usage_memory,
        named.node_memory - named.request_memory,
        named.node_memory - named.effective_memory,
        named.cores,
        named.node_cpu,
        named.memory,
        named.node_memory,
        named.cluster_cpu,
        named.cluster_memory,
        ocp_cost_category_id(named.namespace),
        p_source_uuid
    from named;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;
comment on function ocp_insert_unallocated_rows(date, date, uuid) is
'Step of populate_daily_summary_from_staging: node capacity that no pod took; may be negative, so that effective usage always adds up to capacity.';

create or replace function populate_daily_summary_from_staging(
    p_start_date date,
    p_end_date date,
    p_report_period_id integer,
    p_cluster_id text,
    p_cluster_alias text,
    p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
as $$
declare
    v_rows bigint;
begin
    perform ocp_rules();
    if date_trunc('month', p_start_date) <> date_trunc('month', p_end_date) or p_end_date < p_start_date then
        raise exception 'range % to %: expected days of one month, in order', p_start_date, p_end_date;
    end if;

    perform populate_dimensions_from_staging(p_start_date, p_end_date, p_cluster_id, p_cluster_alias, p_source_uuid);

    -- Cost rows and cloud cost stay until the cost step replaces them.
    delete from reporting_ocpusagelineitem_daily_summary
    where source_uuid = p_source_uuid
        and usage_start between p_start_date and p_end_date
        and cost_model_rate_type is null
        and coalesce(infrastructure_raw_cost, 0) = 0;

    v_rows := ocp_insert_pod_rows(p_start_date, p_end_date, p_report_period_id, p_cluster_id, p_cluster_alias, p_source_uuid);
    v_rows := v_rows
        + ocp_insert_storage_rows(p_start_date, p_end_date, p_report_period_id, p_cluster_id, p_cluster_alias, p_source_uuid);
    v_rows := v_rows + ocp_insert_unallocated_rows(p_start_date, p_end_date, p_source_uuid);
    return v_rows;
end
$$;
comment on function populate_daily_summary_from_staging(date, date, integer, text, text, uuid) is
'Rebuilds the usage rows of a range of days of one month from the live pieces in staging; returns the rows written. Needs ocp.rules.';
