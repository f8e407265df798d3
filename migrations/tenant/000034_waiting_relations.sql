-- Up Migration
-- For an engine that computes daily relations outside of PostgreSQL: its rows wait here until one transaction moves them to
-- the relations and records what they were built from. Unlogged: after a crash the engine computes them again.
do $$
declare
    v_relation text;
begin
    foreach v_relation in array array[
        'ocp_pod_day', 'ocp_capacity_day', 'ocp_claim_day', 'ocp_node_label_day', 'ocp_namespace_label_day', 'ocp_vm_day',
        'ocp_gpu_day'
    ]
    loop
        execute format(
            'create unlogged table if not exists %1$I (
                attempt uuid not null,
                waiting_since timestamptz not null default now(),
                like %2$I including comments
            )',
            v_relation || '_waiting', v_relation
        );
        execute format('alter table %I alter column source_uuid drop not null', v_relation || '_waiting');
        execute format(
            'create index if not exists %1$I on %2$I (attempt)', v_relation || '_waiting_attempt_idx', v_relation || '_waiting'
        );
        execute format('comment on table %I is %L', v_relation || '_waiting', format('Rows on their way to %s.', v_relation));
        execute format(
            'comment on column %I.attempt is %L', v_relation || '_waiting', 'Attempt to rebuild days that the rows belong to.'
        );
        execute format('comment on column %I.waiting_since is %L', v_relation || '_waiting', 'When the row arrived.');
    end loop;
end
$$;

-- The ledger of the lake: what of which piece is there.
create table if not exists ocp_lake_piece (
    piece_id bigint primary key references ocp_piece (piece_id) on delete cascade,
    checksum text not null,
    parquet_key text not null,
    row_count bigint not null,
    byte_count bigint not null,
    converted_at timestamptz not null default now()
);
comment on table ocp_lake_piece is 'Pieces that were converted to Parquet for the Trino engine.';
comment on column ocp_lake_piece.piece_id is 'The piece. See ocp_piece.';
comment on column ocp_lake_piece.checksum is 'Checksum of the daily CSV that was converted; not the piece''s: it has newer content.';
comment on column ocp_lake_piece.parquet_key is 'Object key of the Parquet file.';
comment on column ocp_lake_piece.row_count is 'Rows of the file.';
comment on column ocp_lake_piece.byte_count is 'Size of the file.';
comment on column ocp_lake_piece.converted_at is 'When it was converted.';

alter table ocp_source_month add column if not exists engine text check (engine in ('postgres', 'trino'));
comment on column ocp_source_month.engine is 'postgres or trino: what computes the daily relations of the month; the first summary decides it, and rebuilding the whole month may change it. NULL: not decided.';
-- Months that are there already were computed by PostgreSQL.
update ocp_source_month set engine = 'postgres' where engine is null;
