-- summary/daily/changed_settings.sql
-- Purpose  sources of a tenant whose settings differ from those with which days of a month were summarised, and the
--          first step of the chain that they concern
-- Reads    ocp_day, public.api_provider
-- Grain    source
-- Params   $1 first day of the month date   $2 current rules profile text
with present as materialized (
    -- Once per source: pulled up, the hashes would be computed for every day.
    select
        source.source_uuid,
        ocp_settings_hash($2, provider.name) as aggregate_hash,
        ocp_report_settings_hash(source.source_uuid, $1::date) as reports_hash
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
        md5(present.aggregate_hash || present.reports_hash) as settings_hash,
        bool_or(ocp_day.pieces_hash <> 'none' and ocp_day.settings_hash <> present.aggregate_hash) as aggregate_differs,
        -- A step that was never done is not behind because of its settings: a run is on its way there.
        bool_or(ocp_day.ui_settings_hash <> present.reports_hash) as reports_differ
    from present
    join ocp_day
        on ocp_day.source_uuid = present.source_uuid
        and ocp_day.usage_day >= $1::date
        and ocp_day.usage_day < ($1::date + interval '1 month')::date
    group by 1, 2
)
select
    source_uuid as "sourceUuid",
    settings_hash as "settingsHash",
    case when aggregate_differs then 'aggregate' else 'reports' end as step
from compared
where aggregate_differs
    or reports_differ
order by source_uuid
