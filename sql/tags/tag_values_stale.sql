-- tags/tag_values_stale.sql
-- Purpose  whether tag values need a look although no label summary changed: a key was disabled, or the cluster renamed
-- Reads    reporting_ocptags_values, reporting_enabledtagkeys, reporting_ocpusagereportperiod, public.api_provider
-- Params   $1 source_uuid uuid   $2 report_period_id integer
select exists (
    select 1
    from reporting_ocptags_values as stored
    where not exists (
            select 1
            from reporting_enabledtagkeys as enabled
            where enabled.key = stored.key
                and enabled.enabled
                and enabled.provider_type = 'OCP'
        )
        or exists (
            select 1
            from reporting_ocpusagereportperiod as period
            join public.api_provider as provider on provider.uuid = period.provider_id
            where period.id = $2
                and period.provider_id = $1
                and period.cluster_id = any(stored.cluster_ids)
                and not provider.name = any(stored.cluster_aliases)
        )
) as stale
