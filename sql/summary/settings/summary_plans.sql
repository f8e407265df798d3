-- summary/settings/summary_plans.sql
-- Purpose  how the statements of a transaction that reads or writes summaries are planned
-- Why      Each handles one source's days, thousands of rows, whose number the planner can only guess because they were
--          written a moment ago: hashing them is right at any number, sorting is slow when there are many, and
--          compiling (jit) takes longer than the statements. Memory and parallel workers:
--          functions/004_own_settings.sql
-- Rerun    lasts until the transaction ends
select
    set_config('enable_sort', 'off', true),
    set_config('jit', 'off', true)
