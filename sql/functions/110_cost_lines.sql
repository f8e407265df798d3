-- functions/110_cost_lines.sql
-- Purpose  all lines of all rates of a source's cost model, for days of one month
-- Reads    functions/101 to 108
-- Domain   §8.1 to §8.5
-- Rerun    repeatable definition

create or replace function ocp_cost_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 100000
set search_path from current
as $$
    select * from ocp_usage_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_node_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_claim_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_vm_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_tag_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_node_tag_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_project_rate_lines(p_source_uuid, p_days)
    union all
    select * from ocp_gpu_rate_lines(p_source_uuid, p_days)
$$;
comment on function ocp_cost_lines(uuid, date[]) is
'Everything that the source''s cost model charges for days of one month, before markup and distribution.';
