-- summary/daily/record_days.sql
-- Purpose  record what the rebuilt days were built from, and increment their versions
-- Writes   ocp_day   grain: source × day
-- Params   $1 source_uuid uuid   $2 days date[]   $3 pieces hashes text[] (same order)   $4 settings hash text
--          $5 rules text
-- Rerun    raises the version again; part of the transaction that rebuilt the days
insert into ocp_day as known (source_uuid, usage_day, version, pieces_hash, settings_hash, rules, summarised_at, relations_hash)
select
    $1,
    rebuilt.usage_day,
    1,
    rebuilt.pieces_hash,
    $4,
    $5,
    now(),
    rebuilt.pieces_hash
from unnest($2::date[], $3::text[]) as rebuilt (usage_day, pieces_hash)
on conflict (source_uuid, usage_day) do update
set version = known.version + 1,
    pieces_hash = excluded.pieces_hash,
    settings_hash = excluded.settings_hash,
    rules = excluded.rules,
    summarised_at = excluded.summarised_at,
    relations_hash = excluded.relations_hash
