-- functions/030_cost_category.sql
-- Purpose  cost category of a namespace
-- Reads    reporting_ocp_cost_category_namespace
-- Why      a scalar lookup: a namespace that matches two patterns must not count twice
-- Rerun    repeatable definition

create or replace function ocp_cost_category_id(p_namespace text) returns integer
language sql stable
set search_path from current
as $$
    select max(pattern.cost_category_id)
    from reporting_ocp_cost_category_namespace as pattern
    where p_namespace like pattern.namespace
$$;
comment on function ocp_cost_category_id(text) is 'Greatest cost category whose namespace pattern (SQL LIKE) matches, or NULL.';
