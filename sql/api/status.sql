-- api/status.sql
-- Purpose  what is known of every cluster: its last days, rejected rows, cost model, last cost run
-- Reads    reporting_tenant_api_provider, reporting_ocp_clusters, reporting_ocpusagereportperiod, ocp_day, ocp_piece,
--          cost_model, cost_model_map
-- Writes   nothing
-- Units    hours of a UTC day, rows
-- Params   $1 first day that is listed date   $2 clusters of the access list (ids or aliases) text[], NULL for all
-- Rerun    same rows, same result
with days as (
    select
        day.source_uuid,
        day.usage_day,
        day.summarised_at,
        coalesce((
            select bit_count(bit_or(piece.live_hours)::bit(24))
            from ocp_piece as piece
            where piece.source_uuid = day.source_uuid
                and piece.usage_day = day.usage_day
                and piece.report_kind = 'pod_usage'
                and piece.live_hours > 0
        ), 0)::integer as hours,
        coalesce((
            select sum(piece.rejected_row_count)
            from ocp_piece as piece
            where piece.source_uuid = day.source_uuid
                and piece.usage_day = day.usage_day
                and piece.live_hours is distinct from 0
        ), 0)::bigint as rejected_rows
    from ocp_day as day
    where day.usage_day >= $1::date
)
select
    provider.uuid as source_uuid,
    cluster.cluster_id as cluster,
    coalesce(cluster.cluster_alias, provider.name) as cluster_alias,
    (select max(day.usage_day) from ocp_day as day where day.source_uuid = provider.uuid) as last_day,
    (
        select coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'date', days.usage_day,
                    'hours', days.hours,
                    'rejected_rows', days.rejected_rows,
                    'summarised_at', days.summarised_at
                )
                order by days.usage_day
            ),
            '[]'
        )
        from days
        where days.source_uuid = provider.uuid
    ) as days,
    (
        select jsonb_build_object('name', model.name, 'currency', model.currency, 'updated_at', model.updated_timestamp)
        from cost_model_map as map
        join cost_model as model on model.uuid = map.cost_model_id
        where map.provider_uuid = provider.uuid
        order by map.id desc
        limit 1
    ) as cost_model,
    (
        select max(period.derived_cost_datetime)
        from reporting_ocpusagereportperiod as period
        where period.provider_id = provider.uuid
    ) as costs_at
from reporting_tenant_api_provider as provider
left join lateral (
    select
        known.cluster_id,
        known.cluster_alias
    from reporting_ocp_clusters as known
    where known.provider_id = provider.uuid
    order by known.cluster_id
    limit 1
) as cluster on true
where provider.type = 'OCP'
    and (
        $2::text[] is null
        or cluster.cluster_id = any($2::text[])
        or cluster.cluster_alias = any($2::text[])
    )
order by
    coalesce(cluster.cluster_alias, provider.name) collate "C",
    provider.uuid
