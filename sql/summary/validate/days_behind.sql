-- summary/validate/days_behind.sql
-- Purpose  days of a source and month whose summary has a version that was not validated, and whether they can be
-- Reads    ocp_day, ocp_piece, api_provider
-- Grain    usage_day; is_current: the summary was built from the pieces and settings that are live now. A day that is
--          not will be rebuilt, which raises its version; comparing it with other pieces or settings would only find
--          false alarms
-- Params   $1 source_uuid uuid   $2 first day of the month date
with behind as (
    select
        usage_day,
        version,
        pieces_hash,
        relations_hash,
        settings_hash,
        rules
    from ocp_day
    where source_uuid = $1
        and usage_day >= $2::date
        and usage_day < ($2::date + interval '1 month')::date
        and validated_version is distinct from version
),
live_days as (
    select
        piece.usage_day,
        max(hashed.pieces_hash collate "C") as pieces_hash,
        bool_and(piece.state in ('staged', 'swept')) as loaded
    from ocp_piece as piece
    join behind using (usage_day)
    join ocp_pieces_hashes($1, $2::date, ($2::date + interval '1 month - 1 day')::date) as hashed using (usage_day)
    where piece.source_uuid = $1
        and piece.live_hours > 0
    group by piece.usage_day
),
settings as materialized (
    select
        used.rules,
        ocp_settings_hash(used.rules, provider.name) as settings_hash
    from (select distinct rules from behind) as used
    join public.api_provider as provider on provider.uuid = $1
)
select
    behind.usage_day,
    behind.version,
    behind.rules,
    behind.relations_hash is not distinct from behind.pieces_hash
    and case
        when live_days.usage_day is null then behind.pieces_hash = 'none'
        else live_days.loaded
            and live_days.pieces_hash = behind.pieces_hash
            and behind.settings_hash is not distinct from settings.settings_hash
    end as is_current
from behind
left join live_days using (usage_day)
left join settings using (rules)
order by behind.usage_day
