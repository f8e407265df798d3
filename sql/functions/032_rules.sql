-- functions/032_rules.sql
-- Purpose  everything that depends on the rules profile of a transaction
-- Setting  ocp.rules = design | koku, set for the transaction by the caller
-- Rerun    repeatable definitions

-- Effective usage of one hourly row: the usage that is charged.
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

-- Inlined like all per-row functions: arguments are columns, because an expensive argument would prevent inlining.
create or replace function ocp_merge_labels(p_rules text, p_own jsonb, p_node jsonb, p_namespace jsonb) returns jsonb
language sql immutable parallel safe
as $$
    select case p_rules
        when 'koku' then coalesce(p_node, '{}') || coalesce(p_namespace, '{}') || p_own
        else p_own || coalesce(p_node, '{}') || coalesce(p_namespace, '{}')
    end
$$;
comment on function ocp_merge_labels(text, jsonb, jsonb, jsonb) is
'Labels of a pod or volume with those of its node and namespace. Of one key the last wins: koku node, namespace, own; design own, node, namespace.';

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
