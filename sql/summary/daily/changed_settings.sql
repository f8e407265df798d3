-- summary/daily/changed_settings.sql
-- Purpose  sources of a tenant whose settings differ from those that days of a month were summarised with
-- Reads    ocp_day, public.api_provider
-- Params   $1 first day of the month date   $2 rules profile that holds now text
with present as materialized (
    -- Once per source: pulled up, the hash would be computed for every day.
    select
        source.source_uuid,
        ocp_settings_hash($2, provider.name) as hash
    from (
        select distinct source_uuid
        from ocp_day
        where usage_day >= $1::date
            and usage_day < ($1::date + interval '1 month')::date
    ) as source
    join public.api_provider as provider on provider.uuid = source.source_uuid
)
select
    present.source_uuid as "sourceUuid",
    present.hash as "settingsHash"
from present
where exists (
    select 1
    from ocp_day
    where ocp_day.source_uuid = present.source_uuid
        and ocp_day.usage_day >= $1::date
        and ocp_day.usage_day < ($1::date + interval '1 month')::date
        and ocp_day.pieces_hash <> 'none'
        and ocp_day.settings_hash <> present.hash
)
order by present.source_uuid
