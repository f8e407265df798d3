-- summary/settings/summary_plans.sql
-- Purpose  how the statements of a transaction that reads or writes summaries are planned
-- Why      Each handles one source's days, thousands of rows, whose number the planner can only guess because they were
--          written a moment ago: hashing them is right at any number, sorting is slow when there are many, and compiling
--          (jit) takes longer than the statements. work_mem is for one hash table or sort, twice it for hashes.
-- Rerun    lasts until the transaction ends
select
    set_config('enable_sort', 'off', true),
    set_config('jit', 'off', true),
    set_config('max_parallel_workers_per_gather', '2', true),
    set_config('work_mem', '64MB', true)
