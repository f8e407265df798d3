-- summary/tags/tag_values_stale.sql
-- Purpose  whether all tag values must be computed again: a value is gone, a key was disabled, or the cluster renamed
-- Reads    ocp_label_changes (temporary), reporting_ocptags_values, reporting_enabledtagkeys, ocp_tag_alias,
--          public.api_provider
-- Plans    keys are listed by skipping through the unique index; rows of tag values are read only for a source whose
--          name was never noted although it has other periods
-- Params   $1 source_uuid uuid   $2 report_period_id integer
with recursive listed (key) as (
    (select key from reporting_ocptags_values order by key limit 1)
    union all
    select (
        select later.key
        from reporting_ocptags_values as later
        where later.key > listed.key
        order by later.key
        limit 1
    )
    from listed
    where listed.key is not null
)
select exists (
        select 1
        from ocp_label_changes as changed
        where changed.old_values is not null
            and (changed.new_values is null or not changed.new_values @> changed.old_values)
    )
    or exists (
        select 1
        from listed
        where listed.key is not null
            and not exists (
                select 1
                from reporting_enabledtagkeys as enabled
                where enabled.key = listed.key
                    and enabled.enabled
                    and enabled.provider_type = 'OCP'
            )
    )
    or exists (
        select 1
        from ocp_tag_alias as noted
        join public.api_provider as provider on provider.uuid = noted.source_uuid
        where noted.source_uuid = $1
            and noted.cluster_alias <> provider.name
    )
    or (
        not exists (select 1 from ocp_tag_alias where source_uuid = $1)
        and exists (select 1 from reporting_ocpusagereportperiod where provider_id = $1 and id <> $2)
        and exists (
            select 1
            from reporting_ocptags_values as stored
            join reporting_ocpusagereportperiod as period
                on period.id = $2
                and period.cluster_id = any(stored.cluster_ids)
            join public.api_provider as provider on provider.uuid = period.provider_id
            where not provider.name = any(stored.cluster_aliases)
        )
    ) as stale
