-- summary/validate/hashed_joins.sql
-- Purpose  how the statements of validation are planned, besides settings/summary_plans.sql
-- Why      They join rows that were written a moment ago, of which the planner believes that there is one each: pairing
--          every pod with every namespace takes minutes. Label sets, the only table of the whole tenant, are looked up
--          before.
-- Rerun    lasts until the transaction ends
select
    set_config('enable_nestloop', 'off', true),
    set_config('enable_mergejoin', 'off', true)
