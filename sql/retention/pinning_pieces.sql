-- retention/pinning_pieces.sql
-- Purpose  pieces of a kind and range of days for which staging is still needed
-- Reads    ocp_piece, ocp_file
-- Rules    A live piece (completely or in part) that no summary was built from pins. So does one that has not been
--          evaluated yet (no live hours) or is about to be loaded, as long as its file changed within $4 days: a
--          terminated run must not pin forever, and nothing is lost, because a swept piece is reloaded when it is
--          needed. Failed, abandoned and superseded pieces do not pin.
-- Params   $1 report kind text   $2 first day date   $3 day after the last date   $4 days integer
select count(*) as pin_count
from ocp_piece as piece
join ocp_file as file using (file_id)
where piece.report_kind = $1
    and piece.usage_day >= $2::date
    and piece.usage_day < $3::date
    and piece.processed_at is null
    and piece.state not in ('failed', 'abandoned')
    and (
        piece.live_hours > 0
        or (
            (piece.live_hours is null or piece.state = 'registered')
            and file.updated_at > now() - make_interval(days => $4)
        )
    )
