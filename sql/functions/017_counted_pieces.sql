-- functions/017_counted_pieces.sql
-- Purpose  did a step read everything from staging that the ledger says was loaded? A step counts the rows of each
--          piece in the scan that it makes anyway, and checks the counts here before it writes anything
-- Reads    ocp_piece; staging, for pieces that count only in part
-- Error    OCP01 with the pieces as detail: they are reloaded, and the step is repeated
-- Plans    as functions/015_live_pieces.sql
-- Rerun    repeatable definitions

create or replace function ocp_staging_table(p_report_kind text) returns text
language sql immutable parallel safe
as $$ select 'reporting_ocpusagelineitem_' || regexp_replace(p_report_kind, '_usage$', '') || '_staging' $$;
comment on function ocp_staging_table(text) is 'Staging table of a kind of report.';

create or replace function ocp_count_rows(p_report_kind text, p_start_date date, p_end_date date, p_pieces bigint[])
returns table (piece_id bigint, usage_day date, row_count bigint)
language plpgsql stable rows 100
set search_path from current
set enable_nestloop = on
set enable_sort = on
set jit = off
as $$
begin
    return query execute format(
        'select line.piece_id, (line.interval_start at time zone interval ''0'')::date, count(*)
        from %I as line
        where line.piece_id = any($1) and line.interval_start >= $2 and line.interval_start < $3
        group by 1, 2',
        ocp_staging_table(p_report_kind)
    )
    using
        p_pieces,
        p_start_date::timestamp at time zone 'UTC',
        (p_end_date + 1)::timestamp at time zone 'UTC';
end
$$;
comment on function ocp_count_rows(text, date, date, bigint[]) is
'Rows that staging holds of each of these pieces in a range of UTC days, by day; a piece without rows is absent.';

create or replace function ocp_refuse_staging(p_pieces jsonb)
returns void
language plpgsql immutable
as $$
begin
    if p_pieces is not null then
        raise exception 'staging does not hold what was loaded of % pieces', jsonb_array_length(p_pieces)
        using
            errcode = 'OCP01',
            detail = p_pieces::text,
            hint = 'Run: ocp-pipeline resummarize, which loads them again.';
    end if;
end
$$;
comment on function ocp_refuse_staging(jsonb) is
'Raises OCP01 with the pieces that are not in staging as they were loaded: [{pieceId, reportKind, usageDay, expected, found}]; NULL: none.';

create or replace function ocp_require_rows(
    p_report_kind text, p_source_uuid uuid, p_start_date date, p_end_date date,
    p_pieces bigint[], p_days date[], p_counts bigint[]
)
returns void
language plpgsql stable
set search_path from current
set enable_nestloop = on
set enable_sort = on
set jit = off
as $$
declare
    v_partly_live bigint[];
    v_wrong jsonb;
begin
    -- Of a piece that counts in part a step reads a part; these few are counted by themselves.
    v_partly_live := array(
        select piece.piece_id
        from ocp_piece as piece
        where piece.source_uuid = p_source_uuid
            and piece.report_kind = p_report_kind
            and piece.live_hours > 0
            and piece.live_hours & piece.hour_mask <> piece.hour_mask
            and piece.usage_day between p_start_date and p_end_date
    );

    with read_days as (
        select
            read.piece_id,
            read.usage_day,
            read.row_count
        from unnest(p_pieces, p_days, p_counts) as read (piece_id, usage_day, row_count)
        where read.piece_id <> all(v_partly_live)
        union all
        select
            partly.piece_id,
            partly.usage_day,
            partly.row_count
        from ocp_count_rows(p_report_kind, p_start_date, p_end_date, v_partly_live) as partly
        where cardinality(v_partly_live) > 0
    ),
    counted as (
        select
            piece.piece_id,
            piece.report_kind,
            piece.usage_day,
            piece.row_count,
            coalesce(sum(read_days.row_count) filter (where read_days.usage_day = piece.usage_day), 0) as own_day_rows,
            coalesce(sum(read_days.row_count), 0) as all_rows
        from ocp_piece as piece
        left join read_days using (piece_id)
        where piece.source_uuid = p_source_uuid
            and piece.report_kind = p_report_kind
            and piece.live_hours > 0
            and piece.usage_day between p_start_date and p_end_date
            -- Of a piece whose newer content is on its way staging holds the older.
            and piece.state = 'staged'
        group by piece.piece_id
    )
    select jsonb_agg(
        jsonb_build_object(
            'pieceId', piece_id, 'reportKind', report_kind, 'usageDay', usage_day, 'expected', row_count, 'found', own_day_rows
        )
        order by piece_id
    )
    into v_wrong
    from counted
    where own_day_rows <> row_count
        or all_rows <> row_count;

    perform ocp_refuse_staging(v_wrong);
end
$$;
comment on function ocp_require_rows(text, uuid, date, date, bigint[], date[], bigint[]) is
'Raises OCP01 unless the rows that were read of each live piece of a range of days, given as pieces, days and counts, are those that were loaded.';

create or replace function ocp_require_staged(p_report_kind text, p_source_uuid uuid, p_start_date date, p_end_date date)
returns void
language plpgsql stable
set search_path from current
set enable_nestloop = on
set enable_sort = on
set jit = off
as $$
declare
    v_pieces bigint[];
    v_days date[];
    v_counts bigint[];
begin
    select array_agg(counted.piece_id), array_agg(counted.usage_day), array_agg(counted.row_count)
    into v_pieces, v_days, v_counts
    from ocp_count_rows(
        p_report_kind, p_start_date, p_end_date, ocp_live_pieces(p_report_kind, p_source_uuid, p_start_date, p_end_date)
    ) as counted;

    perform ocp_require_rows(p_report_kind, p_source_uuid, p_start_date, p_end_date, v_pieces, v_days, v_counts);
end
$$;
comment on function ocp_require_staged(text, uuid, date, date) is
'As ocp_require_rows, but counts by itself: for kinds that have few rows.';

drop function if exists ocp_require_label_sets(uuid, date, date, bigint[]);

create or replace function ocp_require_label_sets(p_source_uuid uuid, p_start_date date, p_end_date date)
returns void
language plpgsql stable
set search_path from current
-- Label sets are the tenant's, of all clusters and months: each is looked up by its key.
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
set max_parallel_workers_per_gather = 0
as $$
declare
    v_wrong jsonb;
begin
    with used (report_kind, usage_day, label_set_id, other_label_set_id, row_count) as (
        select
            'pod_usage',
            usage_day,
            label_set_id,
            label_set_id,
            sum(row_count)
        from ocp_pod_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        group by usage_day, label_set_id
        union all
        select
            'storage_usage',
            usage_day,
            persistentvolume_label_set_id,
            persistentvolumeclaim_label_set_id,
            sum(row_count)
        from ocp_claim_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        group by usage_day, persistentvolume_label_set_id, persistentvolumeclaim_label_set_id
        union all
        select
            'node_labels',
            usage_day,
            label_set_id,
            label_set_id,
            sum(row_count)
        from ocp_node_label_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        group by usage_day, label_set_id
        union all
        select
            'namespace_labels',
            usage_day,
            label_set_id,
            label_set_id,
            sum(row_count)
        from ocp_namespace_label_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        group by usage_day, label_set_id
        union all
        select
            'vm_usage',
            usage_day,
            label_set_id,
            label_set_id,
            sum(row_count)
        from ocp_vm_day
        where source_uuid = p_source_uuid
            and usage_day between p_start_date and p_end_date
        group by usage_day, label_set_id
    ),
    counted as materialized (
        select
            used.report_kind,
            used.usage_day,
            sum(used.row_count)::bigint as row_count,
            coalesce(
                sum(used.row_count) filter (
                    where label_set.label_set_id is not null
                        and other_set.label_set_id is not null
                ),
                0
            )::bigint as labelled_count
        from used
        left join ocp_label_set as label_set on label_set.label_set_id = used.label_set_id
        left join ocp_label_set as other_set on other_set.label_set_id = used.other_label_set_id
        group by used.report_kind, used.usage_day
    )
    select jsonb_agg(
        jsonb_build_object(
            'pieceId', piece.piece_id, 'reportKind', counted.report_kind, 'usageDay', counted.usage_day,
            'expected', counted.row_count, 'found', counted.labelled_count, 'measure', 'rows with labels'
        )
        order by counted.usage_day, counted.report_kind, piece.piece_id
    )
    into v_wrong
    from counted
    join ocp_piece as piece
        on piece.source_uuid = p_source_uuid
        and piece.report_kind = counted.report_kind
        and piece.usage_day = counted.usage_day
        and piece.live_hours > 0
    where counted.labelled_count <> counted.row_count;

    perform ocp_refuse_staging(v_wrong);
end
$$;
comment on function ocp_require_label_sets(uuid, date, date) is
'Raises OCP01 with the live pieces of each kind and day of which daily relations refer to label sets that are gone; loading stores them again.';
