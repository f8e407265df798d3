-- summary/daily/mark_miscounted.sql
-- Purpose  record that pieces are not in staging as they were loaded, so that every reader requests them; of a day that
--          has live pieces that were swept, that its relations are not what they were: all its pieces are loaded, and
--          the relations are rebuilt
-- Writes   ocp_piece.state; staged_checksum stays, and tells the load that there may be leftover rows to delete
--          ocp_day.relations_hash; the lake is asked for its file again (ocp_lake_piece)
-- Params   $1 pieces bigint[]   $2 those of which the relations are wrong in any case bigint[]
-- Rerun    changes nothing; a piece that was reloaded meanwhile is loaded once more
with told as (
    select distinct
        source_uuid,
        usage_day
    from ocp_piece
    where piece_id = any($1::bigint[])
),
without_staging as (
    update ocp_day
    set relations_hash = null
    from told
    where ocp_day.source_uuid = told.source_uuid
        and ocp_day.usage_day = told.usage_day
        and exists (
            select 1
            from ocp_piece as piece
            where piece.source_uuid = told.source_uuid
                and piece.usage_day = told.usage_day
                and piece.live_hours > 0
                and (piece.state = 'swept' or piece.piece_id = any($2::bigint[]))
        )
),
without_lake as (
    delete from ocp_lake_piece
    where piece_id = any($1::bigint[])
)
update ocp_piece
set state = 'swept'
where piece_id = any($1::bigint[])
    and state = 'staged'
