-- Up Migration
-- Control sums: what the rows of a piece added up to when they were loaded, which is what its part of the daily relations
-- must add up to.

create table if not exists ocp_piece_sum (
    piece_id bigint primary key references ocp_piece (piece_id) on delete cascade,
    checksum text not null,
    hours integer[] not null,
    row_counts bigint[] not null,
    core_seconds double precision[] not null,
    byte_seconds double precision[] not null,
    core_seconds_magnitude double precision not null,
    byte_seconds_magnitude double precision not null
);
comment on table ocp_piece_sum is 'Control sums of a piece, from its daily CSV while it was loaded; the daily relations are compared with them. Pieces that an earlier version loaded have none.';
comment on column ocp_piece_sum.piece_id is 'Piece.';
comment on column ocp_piece_sum.checksum is 'Checksum of the content that was summed; sums of another content than the piece''s present one are not used.';
comment on column ocp_piece_sum.hours is 'UTC hours with rows, 0 to 23; the next three columns have one element for each.';
comment on column ocp_piece_sum.row_counts is 'Rows of each hour.';
comment on column ocp_piece_sum.core_seconds is 'CPU usage, request and limit of the rows of each hour together, core-seconds; 0 for kinds of report without them.';
comment on column ocp_piece_sum.byte_seconds is 'Memory usage, request and limit, or capacity, request and usage of volumes, or memory and disk of virtual machines, of each hour together, byte-seconds; 0 for kinds without them.';
comment on column ocp_piece_sum.core_seconds_magnitude is 'Sum of the absolute values behind core_seconds, core-seconds: a difference counts from a billionth of it on.';
comment on column ocp_piece_sum.byte_seconds_magnitude is 'The same for byte_seconds, byte-seconds.';
