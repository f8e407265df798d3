-- summary/daily/changed_days.sql
-- Purpose  days of a source and month whose live pieces or settings differ from what their summary was built from, or
--          that are to be rebuilt anyway
-- Reads    ocp_piece, ocp_lake_piece, ocp_day, reporting_ocpusagelineitem_daily_summary, ocp_adoption
-- Grain    usage_day; are_relations_behind: the daily relations were not built from the live pieces (or are to be built
--          again all the same, which needs nothing loaded); else a rebuild of the summary reads the relations alone;
--          unloaded_count > 0: live pieces whose present content is not in staging;
--          is_foreign: another writer summarised the day and nobody adopted it
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 settings hash text
-- $4, $5 first and last day to rebuild anyway date, or NULL   $6 engine text, postgres or trino: where pieces must be
with live_days as (
    select
        piece.usage_day,
        max(hashed.pieces_hash collate "C") as pieces_hash,
        array_agg(piece.piece_id order by piece.piece_id) filter (
            where ocp_is_missing($6, piece.state, piece.checksum, lake.checksum)
        ) as missing_piece_ids,
        count(*) filter (where piece.state not in ('staged', 'swept')) as unloaded_count
    from ocp_piece as piece
    left join ocp_lake_piece as lake using (piece_id)
    join ocp_pieces_hashes($1, $2::date, ($2::date + interval '1 month - 1 day')::date) as hashed using (usage_day)
    where piece.source_uuid = $1
        and piece.usage_day >= $2::date
        and piece.usage_day < ($2::date + interval '1 month')::date
        and piece.live_hours > 0
    group by piece.usage_day
),
known_days as (
    select
        usage_day,
        pieces_hash,
        relations_hash,
        settings_hash
    from ocp_day
    where source_uuid = $1
        and usage_day >= $2::date
        and usage_day < ($2::date + interval '1 month')::date
)
select
    coalesce(live_days.usage_day, known_days.usage_day) as usage_day,
    coalesce(live_days.pieces_hash, 'none') as pieces_hash,
    coalesce(live_days.missing_piece_ids, '{}') as missing_piece_ids,
    known_days.relations_hash is distinct from coalesce(live_days.pieces_hash, 'none')
    or coalesce(
        live_days.usage_day between $4::date and $5::date and live_days.missing_piece_ids is null, false
    ) as are_relations_behind,
    coalesce(live_days.unloaded_count, 0) as unloaded_count,
    known_days.usage_day is null
        and not exists (
            select 1
            from ocp_adoption
            where source_uuid = $1
                and from_day <= live_days.usage_day
        )
        and exists (
            select 1
            from ocp_summarised_days($1, $2, false) as summarised (usage_day)
            where summarised.usage_day = live_days.usage_day
        ) as is_foreign
from live_days
full join known_days using (usage_day)
where known_days.usage_day is null
    or known_days.pieces_hash <> coalesce(live_days.pieces_hash, 'none')
    or known_days.relations_hash is distinct from known_days.pieces_hash
    or (known_days.settings_hash <> $3 and live_days.usage_day is not null)
    or live_days.usage_day between $4::date and $5::date
order by 1
