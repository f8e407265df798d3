-- functions/095_staged_lines.sql
-- Purpose  views for people who debug: line items in staging with their labels as JSON, whether they count, and whether
--          a summary was built from them. No statement of this program reads them
-- Reads    staging; ocp_label_set, ocp_piece, ocp_file
-- Grain    as staging, whose columns follow our own: columns that are added to staging are added at the end
-- Units    core-seconds, byte-seconds
-- Note     ocp_pod_lines depends on ocp_effective_usage: to change its signature, drop the view first
-- Rerun    repeatable definitions

create or replace function ocp_create_line_views()
returns void
language plpgsql
set search_path from current
as $body$
declare
    v_view record;
    v_column record;
begin
    for v_view in
        select *
        from (values
            (
                'ocp_pod_lines', 'pod_usage', array['label_set_id'],
                array[
                    ['effective_cpu_design', 'ocp_effective_usage(line.pod_usage_cpu_core_seconds, line.pod_request_cpu_core_seconds, ''design'')', 'CPU effective usage under the rules "design", core-seconds.'],
                    ['effective_cpu_koku', 'ocp_effective_usage(line.pod_usage_cpu_core_seconds, line.pod_request_cpu_core_seconds, ''koku'')', 'The same under the rules "koku".'],
                    ['effective_memory_design', 'ocp_effective_usage(line.pod_usage_memory_byte_seconds, line.pod_request_memory_byte_seconds, ''design'')', 'Memory effective usage under the rules "design", byte-seconds.'],
                    ['effective_memory_koku', 'ocp_effective_usage(line.pod_usage_memory_byte_seconds, line.pod_request_memory_byte_seconds, ''koku'')', 'The same under the rules "koku".']
                ]
            ),
            (
                'ocp_storage_lines', 'storage_usage',
                array['persistentvolume_label_set_id', 'persistentvolumeclaim_label_set_id'], array[]::text[]
            ),
            ('ocp_node_label_lines', 'node_labels', array['label_set_id'], array[]::text[]),
            ('ocp_namespace_label_lines', 'namespace_labels', array['label_set_id'], array[]::text[]),
            ('ocp_vm_lines', 'vm_usage', array['label_set_id'], array[]::text[]),
            ('ocp_gpu_lines', 'gpu_usage', array[]::text[], array[]::text[])
        ) as listed (name, report_kind, label_columns, effective)
    loop
        -- A label column x_label_set_id becomes x_labels.
        execute format(
            'create or replace view %I as
            select (line.interval_start at time zone ''UTC'')::date as usage_day,
                coalesce(piece.live_hours & (1 << extract(hour from line.interval_start at time zone ''UTC'')::integer) <> 0, false)
                    as is_live,
                piece.processed_at is not null as processed,
                file.file_name%s%s,
                line.*
            from %I as line
            left join ocp_piece as piece on piece.piece_id = line.piece_id
            left join ocp_file as file on file.file_id = piece.file_id',
            v_view.name,
            (
                select string_agg(
                    format(
                        ', (select labels from ocp_label_set where ocp_label_set.label_set_id = line.%I) as %I',
                        label.name, replace(label.name, 'label_set_id', 'labels')
                    ),
                    '' order by label.place
                )
                from unnest(v_view.label_columns) with ordinality as label (name, place)
            ),
            (
                select string_agg(format(', %s as %I', v_view.effective[place][2], v_view.effective[place][1]), '' order by place)
                from generate_subscripts(v_view.effective, 1) as place
            ),
            ocp_staging_table(v_view.report_kind)
        );
        execute format(
            'comment on view %I is %L', v_view.name,
            'Line items of ' || ocp_staging_table(v_view.report_kind) || ' for people who debug; nothing reads it.'
        );
        for v_column in
            select
                attribute.attname as name,
                coalesce(
                    case attribute.attname
                        when 'usage_day' then 'UTC day.'
                        when 'is_live' then 'Whether the row counts: its hour is a live one of its piece.'
                        when 'processed' then 'Whether a summary was built from its piece.'
                        when 'file_name' then 'File that sent it.'
                    end,
                    case when attribute.attname like '%labels' then 'Labels as sent, all keys.' end,
                    (
                        select v_view.effective[place][3]
                        from generate_subscripts(v_view.effective, 1) as place
                        where v_view.effective[place][1] = attribute.attname
                    ),
                    (
                        select col_description(staged.attrelid, staged.attnum)
                        from pg_attribute as staged
                        where staged.attrelid = ocp_staging_table(v_view.report_kind)::regclass
                            and staged.attname = attribute.attname
                    )
                ) as meaning
            from pg_attribute as attribute
            where attribute.attrelid = v_view.name::regclass
                and attribute.attnum > 0
        loop
            execute format('comment on column %I.%I is %L', v_view.name, v_column.name, v_column.meaning);
        end loop;
    end loop;
end
$body$;
comment on function ocp_create_line_views() is
'Creates the views ocp_pod_lines, ocp_storage_lines, ocp_node_label_lines, ocp_namespace_label_lines, ocp_vm_lines, ocp_gpu_lines, or replaces them.';

select ocp_create_line_views();
