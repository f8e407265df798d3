-- functions/004_own_settings.sql
-- Purpose  what the steps need of two settings of the server, at least
-- Why      Staging tells the planner nothing about the number of groups, and a hash table that does not fit is spilled.
--          work_mem is for one hash table or sort, twice it for hashes. Whoever gives the server, the database or the
--          role more has a reason, so it is kept; functions therefore set neither for themselves.
-- Rerun    repeatable definition; its settings last until the transaction ends

create or replace function ocp_raise_settings() returns void
language plpgsql
as $$
begin
    if pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB') then
        perform set_config('work_mem', '64MB', true);
    end if;
    if current_setting('max_parallel_workers_per_gather')::integer < 2 then
        perform set_config('max_parallel_workers_per_gather', '2', true);
    end if;
end
$$;
comment on function ocp_raise_settings() is
'Raises work_mem to 64 MB and max_parallel_workers_per_gather to 2 until the transaction ends; what is larger stays.';
