-- summary/daily/choose_live_generations.sql
-- Purpose  decide, hour by hour, which pieces each (kind, day) of a source and month is summarised from
-- Reads    ocp_piece, ocp_file, ocp_manifest
-- Writes   ocp_piece.live_hours
-- Rules    A manifest is eligible for a (kind, day) if it is released, has no failed file of the kind, and all its
--          pieces there are loaded (or were, and are swept). An hour belongs to the first daily manifest with rows in
--          it, in this order: all files of the kind loaded before a skipped file or a release by timeout, then most
--          hours, latest date, greatest UUID. Hours that no daily manifest covers come from all pieces that are not
--          daily; of identical pieces of several manifests, from those of the one with the least date and UUID. A
--          (kind, day) without an eligible manifest keeps what it has: pieces that are still being loaded never empty a
--          day.
-- Params   $1 source_uuid uuid   $2 first day of the month date
-- Rerun    a function of the ledger: the same ledger gives the same marks
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
        bit_or(piece.hour_mask) as hour_mask,
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
    select
        candidates.*,
        release = 'complete' and not exists (
            select 1
            from ocp_file as file
            where file.manifest_id = candidates.manifest_id
                and file.state = 'skipped'
                and coalesce(file.report_kind, candidates.report_kind) = candidates.report_kind
        ) as is_complete
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
daily_hours as (
    select
        report_kind,
        usage_day,
        manifest_id,
        -- Its hours without those of the manifests before it.
        hour_mask & ~coalesce(
            bit_or(hour_mask) over (
                partition by report_kind, usage_day
                order by is_complete desc, hours desc, manifest_date desc, manifest_uuid desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as hours
    from eligible
    where daily_reports
),
days as (
    select
        report_kind,
        usage_day,
        coalesce(bit_or(hour_mask) filter (where daily_reports), 0) as daily_hours
    from eligible
    group by report_kind, usage_day
),
additive_pieces as (
    select
        piece.piece_id,
        piece.manifest_id = first_value(piece.manifest_id) over (
            partition by piece.report_kind, piece.usage_day, piece.checksum
            order by eligible.manifest_date, eligible.manifest_uuid
        ) as is_first
    from eligible
    join ocp_piece as piece
        on piece.manifest_id = eligible.manifest_id
        and piece.report_kind = eligible.report_kind
        and piece.usage_day = eligible.usage_day
        and piece.state <> 'abandoned'
    where not eligible.daily_reports
),
decided as (
    select
        piece.piece_id,
        case
            when piece.state = 'abandoned' then 0
            when additive_pieces.is_first then piece.hour_mask & ~days.daily_hours
            else piece.hour_mask & coalesce(daily_hours.hours, 0)
        end as live_hours
    from ocp_piece as piece
    left join days using (report_kind, usage_day)
    left join daily_hours using (report_kind, usage_day, manifest_id)
    left join additive_pieces using (piece_id)
    where piece.source_uuid = $1
        and piece.usage_day >= $2::date
        and piece.usage_day < ($2::date + interval '1 month')::date
        and (piece.state = 'abandoned' or days.usage_day is not null)
)
update ocp_piece as piece
set live_hours = decided.live_hours
from decided
where piece.piece_id = decided.piece_id
    and piece.live_hours is distinct from decided.live_hours
    -- A load holds the row of a piece that nobody judged yet: it is judged when it is loaded.
    and not (piece.live_hours is null and piece.state = 'registered')
