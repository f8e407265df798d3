-- summary/daily/changed_settings.sql
-- Purpose  sources of a tenant whose settings differ from those with which days of the current month were summarised,
--          and the first step of the chain that they concern; earlier months whose free GPUs can be distributed now
-- Reads    ocp_day, ocp_source_month, public.api_provider
-- Grain    source × month
-- Params   $1 first day of the current month date   $2 current rules profile text   $3 today date
with present as materialized (
    -- Once per source: pulled up, the hashes would be computed for every day.
    select
        source.source_uuid,
        ocp_settings_hash($2, provider.name) as aggregate_hash,
        ocp_cost_settings_hash(source.source_uuid, $1::date, $3::date) as costs_hash
    from (
        select distinct source_uuid
        from ocp_day
        where usage_day >= $1::date
            and usage_day < ($1::date + interval '1 month')::date
    ) as source
    join public.api_provider as provider on provider.uuid = source.source_uuid
),
compared as (
    select
        present.source_uuid,
        md5(present.aggregate_hash || present.costs_hash) as settings_hash,
        bool_or(ocp_day.pieces_hash <> 'none' and ocp_day.settings_hash <> present.aggregate_hash) as aggregate_differs,
        -- A step that was never done is not behind because of its settings: a run is on its way there.
        bool_or(ocp_day.cost_settings_hash <> present.costs_hash) as costs_differ
    from present
    join ocp_day
        on ocp_day.source_uuid = present.source_uuid
        and ocp_day.usage_day >= $1::date
        and ocp_day.usage_day < ($1::date + interval '1 month')::date
    group by 1, 2
),
-- Other settings of earlier months are left as they were: reports of them are out.
waiting as (
    select
        known.source_uuid,
        known.billing_month
    from ocp_source_month as known
    join public.api_provider as provider on provider.uuid = known.source_uuid
    where known.billing_month < $1::date
        and known.gpu_distribution in ('month', 'days')
        and ocp_gpu_distribution(known.source_uuid, known.billing_month, $3::date) = 'due'
)
select
    source_uuid as "sourceUuid",
    to_char($1::date, 'YYYY-MM') as month,
    settings_hash as "settingsHash",
    case when aggregate_differs then 'aggregate' else 'costs' end as step
from compared
where aggregate_differs
    or costs_differ
union all
select
    source_uuid,
    to_char(billing_month, 'YYYY-MM'),
    ocp_cost_settings_hash(source_uuid, billing_month, $3::date),
    'costs'
from waiting
order by 1, 2
