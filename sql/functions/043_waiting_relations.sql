-- functions/043_waiting_relations.sql
-- Purpose  the daily relations of some days of a source from rows that an engine computed outside of PostgreSQL
-- Reads    ocp_*_day_waiting (rows of one attempt), and removes them
-- Writes   the daily relations, ocp_*_day
-- Rerun    replaces the days; the caller holds the source's lock and knows that the rows are those of its plan

create or replace function ocp_daily_relations()
returns table (relation text, column_names text)
language sql stable
set search_path from current
as $$
    select
        relation.relname::text,
        string_agg(quote_ident(attname), ', ' order by attnum)
    from pg_class as waiting
    join pg_class as relation
        on relation.relnamespace = waiting.relnamespace
            and relation.relname || '_waiting' = waiting.relname
    join pg_attribute
        on attrelid = relation.oid
            and attnum > 0
            and not attisdropped
            and attname <> 'source_uuid'
    where waiting.relnamespace = quote_ident(current_schema())::regnamespace
    group by relation.relname
    order by relation.relname
$$;
comment on function ocp_daily_relations() is
'The daily relations, which are the tables with waiting rows beside them, and the columns that these have too: all but the source, for SQL.';

create or replace function ocp_apply_waiting(p_attempt uuid, p_source_uuid uuid, p_usage_days date[])
returns void
language plpgsql
set search_path from current
set jit = off
as $$
declare
    v_relation text;
    v_columns text;
begin
    for v_relation, v_columns in select relation, column_names from ocp_daily_relations()
    loop
        execute format('delete from %I where source_uuid = $1 and usage_day = any($2)', v_relation)
        using p_source_uuid, p_usage_days;
        execute format(
            'insert into %1$I (source_uuid, %2$s) select $1, %2$s from %3$I where attempt = $2 and usage_day = any($3)',
            v_relation, v_columns, v_relation || '_waiting'
        )
        using p_source_uuid, p_attempt, p_usage_days;
        execute format('delete from %I where attempt = $1', v_relation || '_waiting')
        using p_attempt;
    end loop;
end
$$;
comment on function ocp_apply_waiting(uuid, uuid, date[]) is
'Replaces the daily relations of a source''s days by the waiting rows of an attempt.';
