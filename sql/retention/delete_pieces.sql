-- retention/delete_pieces.sql
-- Purpose  delete the expired pieces of a source
-- Writes   ocp_piece
-- Params   $1 source_uuid uuid   $2 first day kept date
-- Rerun    finds nothing
delete from ocp_piece
where source_uuid = $1
    and usage_day < $2::date
