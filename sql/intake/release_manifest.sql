-- intake/release_manifest.sql
-- Purpose  let a manifest take part in aggregation
-- Writes   ocp_manifest.release, released_at
-- Params   $1 manifest_id integer   $2 release text: complete, timeout
-- Rerun    complete is never undone; a timeout becomes complete when the last file arrives
update ocp_manifest
set release = case when release = 'complete' then release else $2 end,
    released_at = coalesce(released_at, now())
where manifest_id = $1
returning release
