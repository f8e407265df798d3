-- daily/choose_live_generations.sql
-- Purpose  decide which pieces each (kind, day) of a source and month is summarised from
-- Reads    ocp_piece, ocp_manifest
-- Writes   ocp_piece.generation
-- Rules    A manifest is eligible for a (kind, day) when it is released and all its pieces there are loaded (or were, and
--          are swept). Of daily manifests one is live: complete before released-by-timeout, then most hours, latest
--          date, greatest uuid. Manifests that are not daily add up, unless a daily one covers the (kind, day).
--          A (kind, day) with nothing eligible keeps what it has: pieces on their way never empty a day.
-- Params   $1 source_uuid uuid   $2 first day of the month date
-- Rerun    a function of the ledger; same ledger gives same marks
with candidates as (
    select
        piece.report_kind,
        piece.usage_day,
        piece.manifest_id,
        manifest.daily_reports,
        manifest.release,
        manifest.manifest_date,
        manifest.manifest_uuid,
        bool_and(piece.state in ('staged', 'swept')) as loaded,
        -- What the manifest declares, or the hours that were seen.
        case
            when max(piece.declared_hours) > 0 then max(piece.declared_hours)
            else bit_count(bit_or(piece.hour_mask)::bit(24))
        end as hours
    from ocp_piece as piece
    join ocp_manifest as manifest using (manifest_id)
    where piece.source_uuid = $1
        and piece.usage_day >= $2::date
        and piece.usage_day < ($2::date + interval '1 month')::date
        and piece.state <> 'abandoned'
    group by
        piece.report_kind, piece.usage_day, piece.manifest_id,
        manifest.daily_reports, manifest.release, manifest.manifest_date, manifest.manifest_uuid
),
eligible as (
    select *
    from candidates
    where loaded
        and release is not null
        -- A failed file may lack any day: what the manifest's other files hold of its kind is not the whole day.
        and not exists (
            select 1
            from ocp_file as file
            where file.manifest_id = candidates.manifest_id
                and file.state = 'failed'
                and coalesce(file.report_kind, candidates.report_kind) = candidates.report_kind
                and not exists (
                    select 1
                    from ocp_piece as piece
                    where piece.file_id = file.file_id
                        and piece.state in ('staged', 'swept')
                )
        )
),
best_daily as (
    select distinct on (report_kind, usage_day)
        report_kind,
        usage_day,
        manifest_id
    from eligible
    where daily_reports
    order by report_kind, usage_day, (release = 'complete') desc, hours desc, manifest_date desc, manifest_uuid desc
),
chosen as (
    select report_kind, usage_day, manifest_id
    from best_daily
    union all
    select report_kind, usage_day, manifest_id
    from eligible
    where not daily_reports
        and not exists (
            select 1
            from best_daily
            where best_daily.report_kind = eligible.report_kind
                and best_daily.usage_day = eligible.usage_day
        )
),
decided as (
    select
        piece.piece_id,
        case
            when piece.state <> 'abandoned' and exists (
                select 1
                from chosen
                where chosen.report_kind = piece.report_kind
                    and chosen.usage_day = piece.usage_day
                    and chosen.manifest_id = piece.manifest_id
            ) then 'live'
            else 'superseded'
        end as generation
    from ocp_piece as piece
    where piece.source_uuid = $1
        and piece.usage_day >= $2::date
        and piece.usage_day < ($2::date + interval '1 month')::date
        and (
            piece.state = 'abandoned'
            or exists (
                select 1
                from chosen
                where chosen.report_kind = piece.report_kind
                    and chosen.usage_day = piece.usage_day
            )
        )
)
update ocp_piece as piece
set generation = decided.generation
from decided
where piece.piece_id = decided.piece_id
    and piece.generation is distinct from decided.generation
    -- A load holds the row of a piece that nobody judged yet: it is judged when it is loaded.
    and not (piece.generation is null and piece.state = 'registered')
