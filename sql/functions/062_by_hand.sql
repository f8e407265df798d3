-- functions/062_by_hand.sql
-- Purpose  relations and daily summary of a range of days, called by hand
-- Reads    live staging rows (039); the ledgers
-- Writes   daily relations, daily summary and dimension tables, ocp_day
-- Setting  ocp.rules = design | koku; not set: the rules recorded for the source and month
-- Locks    the source, as the steps of a run do (platform/database/locks.ts)
-- Why      what is called by hand leaves nothing stale: the versions of the days are raised, and later steps follow at
--          the next run
-- Rerun    deletes the range's usage rows first, same transaction; same input gives same rows

create or replace function ocp_rebuild_day_by_hand(p_usage_day date, p_source_uuid uuid) returns boolean
language plpgsql
set search_path from current
as $$
declare
    v_missing bigint;
    v_pieces_hash text;
begin
    select pieces_hash
    into v_pieces_hash
    from ocp_pieces_hashes(p_source_uuid, p_usage_day, p_usage_day);
    select count(*)
    into v_missing
    from ocp_piece
    where source_uuid = p_source_uuid
        and usage_day = p_usage_day
        and live_hours > 0
        and state <> 'staged';
    if v_missing > 0 then
        raise notice '%: % live pieces are not in staging: the day keeps its relations', p_usage_day, v_missing;
        return false;
    end if;
    perform ocp_rebuild_relations(p_usage_day, p_usage_day, p_source_uuid);
    perform ocp_require_control_sums(p_source_uuid, array[p_usage_day], array[v_pieces_hash]);
    perform ocp_require_label_sets(p_source_uuid, p_usage_day, p_usage_day);
    return true;
exception
    when sqlstate 'OCP01' then
        raise notice '%: %: the day keeps its relations', p_usage_day, sqlerrm;
        return false;
end
$$;
comment on function ocp_rebuild_day_by_hand(date, uuid) is
'Part of populate_daily_summary_from_staging: rebuilds the relations of a day, or says with a notice why it keeps them.';

create or replace function ocp_record_day_by_hand(p_usage_day date, p_source_uuid uuid, p_cluster_alias text, p_is_rebuilt boolean)
returns void
language sql
set search_path from current
as $$
    insert into ocp_day as known (
        source_uuid, usage_day, version, pieces_hash, relations_hash, settings_hash, rules, summarised_at
    )
    select
        p_source_uuid,
        p_usage_day,
        1,
        coalesce(hashed.pieces_hash, 'none'),
        coalesce(hashed.pieces_hash, 'none'),
        ocp_settings_hash(ocp_rules(), p_cluster_alias),
        ocp_rules(),
        now()
    from (select 1) as one
    left join ocp_pieces_hashes(p_source_uuid, p_usage_day, p_usage_day) as hashed on true
    -- A day without pieces, of which nothing is known, has no version to raise.
    where hashed.pieces_hash is not null
        or exists (select from ocp_day where source_uuid = p_source_uuid and usage_day = p_usage_day)
    on conflict (source_uuid, usage_day) do update
    set version = known.version + 1,
        -- What the kept relations were built from; when it is not what is live now, the next run rebuilds the day.
        pieces_hash = case when p_is_rebuilt then excluded.pieces_hash else known.relations_hash end,
        relations_hash = case when p_is_rebuilt then excluded.relations_hash else known.relations_hash end,
        settings_hash = excluded.settings_hash,
        rules = excluded.rules,
        summarised_at = excluded.summarised_at
$$;
comment on function ocp_record_day_by_hand(date, uuid, text, boolean) is
'Part of populate_daily_summary_from_staging: notes what a day was built from and raises its version.';

create or replace function populate_daily_summary_from_staging(
    p_start_date date,
    p_end_date date,
    p_report_period_id integer,
    p_cluster_id text,
    p_cluster_alias text,
    p_source_uuid uuid
)
returns bigint
language plpgsql
set search_path from current
as $$
declare
    v_own_rules boolean := coalesce(current_setting('ocp.rules', true), '') = '';
    v_day date;
    v_is_rebuilt boolean;
    v_rows bigint := 0;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('ocp-source:' || p_source_uuid, 0)) then
        raise exception 'source %: a run is summarising it', p_source_uuid
        using hint = 'Call the function again when the run has ended.';
    end if;
    if v_own_rules then
        perform set_config('ocp.rules', rules, true)
        from ocp_source_month
        where source_uuid = p_source_uuid
            and billing_month = date_trunc('month', p_start_date)::date;
    end if;
    perform ocp_rules();
    perform ocp_raise_settings();
    if date_trunc('month', p_start_date) <> date_trunc('month', p_end_date) or p_end_date < p_start_date then
        raise exception 'range % to %: expected days of one month, in order', p_start_date, p_end_date;
    end if;

    for v_day in select day::date from generate_series(p_start_date, p_end_date, interval '1 day') as listed (day)
    loop
        v_is_rebuilt := ocp_rebuild_day_by_hand(v_day, p_source_uuid);
        if not v_is_rebuilt and not exists (
            select
            from ocp_day
            where source_uuid = p_source_uuid
                and usage_day = v_day
                and relations_hash is not null
        ) then
            raise notice '%: no relations were ever built: the day keeps its summary', v_day;
            continue;
        end if;
        v_rows := v_rows
            + ocp_summarise_days(v_day, v_day, p_report_period_id, p_cluster_id, p_cluster_alias, p_source_uuid);
        perform ocp_record_day_by_hand(v_day, p_source_uuid, p_cluster_alias, v_is_rebuilt);
    end loop;
    if v_own_rules then
        perform set_config('ocp.rules', '', true);
    end if;
    return v_rows;
end
$$;
comment on function populate_daily_summary_from_staging(date, date, integer, text, text, uuid) is
'Rebuilds relations and usage rows of a range of days of one month from the live pieces in staging; returns the rows written. A day of which a live piece is not staged as it was loaded keeps its relations.';
