-- summary/settings/delayed_tasks.sql
-- Purpose  recalculations that Koku's API has asked for, for sources and months of which we have days; locks their rows
-- Reads    public.delayed_celery_tasks, ocp_day
-- Grain    task × month; step: the first step of our chain that the task stands for
-- Params   $1 schema of the tenant text   $2 current month YYYY-MM, of a task that names none
with wanted as (
    select
        id,
        provider_uuid,
        task_name,
        coalesce(
            substring(task_kwargs ->> 'start_date' from '^\d{4}-(?:0[1-9]|1[0-2])'),
            substring(metadata ->> 'billing_month' from '^\d{4}-(?:0[1-9]|1[0-2])'),
            $2
        ) as first_month,
        coalesce(
            substring(task_kwargs ->> 'end_date' from '^\d{4}-(?:0[1-9]|1[0-2])'),
            substring(metadata ->> 'billing_month' from '^\d{4}-(?:0[1-9]|1[0-2])'),
            $2
        ) as last_month
    from public.delayed_celery_tasks
    where task_args ->> 0 = $1
        and task_name in ('masu.processor.tasks.update_cost_model_costs', 'masu.processor.tasks.update_summary_tables')
    order by id
    for update skip locked
)
select distinct
    wanted.id::text as "taskId",
    wanted.provider_uuid::text as "sourceUuid",
    to_char(day.usage_day, 'YYYY-MM') as month,
    'koku task ' || wanted.id as "settingsHash",
    case when wanted.task_name like '%update_cost_model_costs' then 'costs' else 'aggregate' end as step
from wanted
join ocp_day as day
    on day.source_uuid = wanted.provider_uuid
    and day.usage_day >= (wanted.first_month || '-01')::date
    and day.usage_day < ((wanted.last_month || '-01')::date + interval '1 month')::date
order by 2, 3, 1
