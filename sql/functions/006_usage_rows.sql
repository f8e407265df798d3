-- functions/006_usage_rows.sql
-- Purpose  which rows of the daily summary are ours to rebuild, and which namespaces the summary invents
-- Use      every reader calls these functions; one that takes a column is inlined, so it may be part of any condition
-- Rerun    repeatable definitions

-- No "set" clauses in this file: with one the planner could not inline a function.
create or replace function ocp_is_usage_row(p_cost_model_rate_type text, p_infrastructure_raw_cost numeric) returns boolean
language sql immutable parallel safe
as $$
    select p_cost_model_rate_type is null
        and coalesce(p_infrastructure_raw_cost, 0) = 0
$$;
comment on function ocp_is_usage_row(text, numeric) is
'Whether a row of the daily summary holds measured usage: no rate type, which cost rows have, and no cloud cost. A rebuild replaces these rows.';

create or replace function ocp_platform_unallocated() returns text
language sql immutable parallel safe
as $$ select 'Platform unallocated' $$;
comment on function ocp_platform_unallocated() is 'Namespace of what no pod took on nodes of the control plane and of infrastructure.';

create or replace function ocp_worker_unallocated() returns text
language sql immutable parallel safe
as $$ select 'Worker unallocated' $$;
comment on function ocp_worker_unallocated() is 'Namespace of what no pod took on all other nodes.';

create or replace function ocp_storage_unattributed() returns text
language sql immutable parallel safe
as $$ select 'Storage unattributed' $$;
comment on function ocp_storage_unattributed() is 'Namespace of cloud storage that no claim accounts for.';

create or replace function ocp_network_unattributed() returns text
language sql immutable parallel safe
as $$ select 'Network unattributed' $$;
comment on function ocp_network_unattributed() is 'Namespace of data transfer that no pod is charged for.';

create or replace function ocp_gpu_unallocated() returns text
language sql immutable parallel safe
as $$ select 'GPU unallocated' $$;
comment on function ocp_gpu_unallocated() is 'Namespace of GPUs that no pod took.';

create or replace function ocp_is_unallocated(p_namespace text) returns boolean
language sql immutable parallel safe
as $$
    select coalesce(p_namespace in (ocp_platform_unallocated(), ocp_worker_unallocated()), false)
$$;
comment on function ocp_is_unallocated(text) is 'Whether a namespace is one of the two that hold node capacity that no pod took.';

create or replace function ocp_is_real_namespace(p_namespace text) returns boolean
language sql immutable parallel safe
as $$
    select p_namespace is null
        or p_namespace not in (
            ocp_platform_unallocated(),
            ocp_worker_unallocated(),
            ocp_storage_unattributed(),
            ocp_network_unattributed(),
            ocp_gpu_unallocated()
        )
$$;
comment on function ocp_is_real_namespace(text) is
'Whether a namespace is the cluster''s own, not one that the summary invents; rows without a namespace count as real.';

-- An unknown role counts as worker: a NULL namespace would hide the capacity from every price.
create or replace function ocp_unallocated_namespace(p_node_role text) returns text
language sql immutable parallel safe
as $$
    select case
        when p_node_role in ('master', 'control-plane', 'infra') then ocp_platform_unallocated()
        else ocp_worker_unallocated()
    end
$$;
comment on function ocp_unallocated_namespace(text) is 'Namespace of what no pod took on a node of this role.';
