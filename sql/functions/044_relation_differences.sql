-- functions/044_relation_differences.sql
-- Purpose  compare the daily relations of some days of a source with rows of another engine, which wait
-- Reads    ocp_*_day, ocp_*_day_waiting (rows of one attempt)
-- Writes   ocp_keep_waiting: ocp_*_day_waiting
-- Rerun    ocp_relation_differences only reads

create or replace function ocp_keep_waiting(p_attempt uuid, p_source_uuid uuid, p_usage_days date[])
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
        execute format(
            'insert into %1$I (attempt, %2$s) select $1, %2$s from %3$I where source_uuid = $2 and usage_day = any($3)',
            v_relation || '_waiting', v_columns, v_relation
        )
        using p_attempt, p_source_uuid, p_usage_days;
    end loop;
end
$$;
comment on function ocp_keep_waiting(uuid, uuid, date[]) is
'Copies the daily relations of a source''s days to the waiting rows of an attempt, to be compared after a rebuild.';

-- Rows are matched by key; floating-point sums depend on their order, so numbers may differ by a billionth.
create or replace function ocp_relation_differences(
    p_relation text, p_key text[], p_attempt uuid, p_source_uuid uuid, p_usage_days date[]
)
returns table (usage_day date, row_count bigint, first_keys jsonb)
language plpgsql stable
set search_path from current
set jit = off
as $$
declare
    v_columns text;
    v_key text;
    v_pairs text;
    v_differs text;
begin
    select
        string_agg(quote_ident(attname), ', ' order by attnum),
        string_agg(quote_ident(attname), ', ' order by attnum) filter (where attname = any(p_key)),
        string_agg(format('%1$L, %1$I', attname), ', ' order by attnum) filter (where attname = any(p_key)),
        string_agg(
            case
                when atttypid in ('double precision'::regtype, 'integer'::regtype) then format(
                    'ocp_is_other_number(sum(%1$I) filter (where not waits)::float8, sum(%1$I) filter (where waits)::float8)',
                    attname
                )
                else format(
                    'max(%1$I::text) filter (where not waits) is distinct from max(%1$I::text) filter (where waits)', attname
                )
            end,
            ' or '
        ) filter (where attname <> all(p_key))
    into v_columns, v_key, v_pairs, v_differs
    from pg_attribute
    where attrelid = p_relation::regclass
        and attnum > 0
        and not attisdropped
        and attname <> 'source_uuid';
    return query execute format(
        'with both_engines as (
             select false as waits, %1$s from %2$I where source_uuid = $1 and usage_day = any($2)
             union all
             select true, %1$s from %3$I where attempt = $3 and usage_day = any($2)
         ),
         different as (
             select %4$s
             from both_engines
             group by %4$s
             having count(*) filter (where waits) <> count(*) filter (where not waits) or %5$s
         ),
         numbered as (
             select usage_day, jsonb_build_object(%6$s) as key, row_number() over (partition by usage_day order by %4$s) as number
             from different
         )
         select usage_day, count(*), jsonb_agg(key - ''usage_day'' order by number) filter (where number <= 3)
         from numbered
         group by usage_day
         order by usage_day',
        v_columns, p_relation, p_relation || '_waiting', v_key, v_differs, v_pairs
    )
    using p_source_uuid, p_usage_days, p_attempt;
end
$$;
comment on function ocp_relation_differences(text, text[], uuid, uuid, date[]) is
'Per day: rows of a daily relation that differ from the waiting rows of an attempt, matched by the key columns given, with the first three keys. Days that are equal are absent.';

create or replace function ocp_is_other_number(p_one double precision, p_other double precision)
returns boolean
language sql immutable parallel safe
as $$
    select coalesce(
        abs(p_one - p_other) > 1e-9 * greatest(abs(p_one), abs(p_other)), (p_one is null) <> (p_other is null)
    )
$$;
comment on function ocp_is_other_number(double precision, double precision) is
'Whether two numbers differ by more than a billionth, or only one of them is NULL.';
