-- Up Migration
-- What keeps a day's run as fast with a year of many clusters in the tables as on empty ones.

-- A piece's rows are found by its id. The BRIN index that did this knows nothing of blocks added since the last vacuum,
-- up to a fifth of the partition, and every look reads all of it; equal keys are stored once in a B-tree, so this one
-- takes 7 bytes a row.
do $$
declare
    kind text;
begin
    foreach kind in array array['pod', 'storage', 'node_labels', 'namespace_labels', 'vm', 'gpu']
    loop
        execute format('drop index if exists reporting_ocpusagelineitem_%s_staging_piece', kind);
        execute format(
            'create index if not exists reporting_ocpusagelineitem_%1$s_staging_piece_idx on reporting_ocpusagelineitem_%1$s_staging (piece_id)',
            kind
        );
    end loop;
end
$$;

-- Reports tables are rebuilt by source and day, and a day has the rows of every cluster. Where Koku made the table it
-- stays as Koku left it.
do $$
declare
    parent record;
begin
    for parent in
        select class.relname as table_name
        from pg_class as class
        where class.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and class.relkind = 'p'
            and class.relname like 'reporting\_ocp%\_p'
            and not exists (select from ocp_adopted_table as adopted where adopted.name = class.relname)
        order by class.relname
    loop
        execute format('create index if not exists %I on %I (source_uuid, usage_start)', parent.table_name || '_source_day_idx', parent.table_name);
    end loop;
end
$$;

-- Label sets of virtual machines, of all sets of the tenant: few, and asked for in every month that has no VM report.
create index if not exists ocp_label_set_vm_idx on ocp_label_set (label_set_id) where labels ? 'vm_kubevirt_io_name';

-- Labels of a day as whole maps: a fifth of the rows that one per key and value took. Filled again by each rebuild;
-- nothing was released with the earlier form.
drop table if exists ocp_label_days;
create table ocp_label_days (
    source_uuid uuid not null,
    billing_month date not null,
    data_source text not null check (data_source in ('Pod', 'Storage')),
    namespace text not null,
    node text,
    labels_hash uuid not null,
    labels jsonb not null,
    day_mask integer not null,
    unique nulls not distinct (source_uuid, billing_month, data_source, namespace, node, labels_hash)
) with (fillfactor = 80);
comment on table ocp_label_days is 'Which label maps were seen where on which days of a month, before tag mapping; the label tables are computed from it.';
comment on column ocp_label_days.source_uuid is 'Provider.';
comment on column ocp_label_days.billing_month is 'First day of the month.';
comment on column ocp_label_days.data_source is 'Pod or Storage.';
comment on column ocp_label_days.namespace is 'Namespace.';
comment on column ocp_label_days.node is 'Node; NULL for volumes that no pod mounts.';
comment on column ocp_label_days.labels_hash is 'MD5 of the labels as text.';
comment on column ocp_label_days.labels is 'Enabled labels, merged, keys as sent.';
comment on column ocp_label_days.day_mask is 'Bit d-1 is set when the labels were seen on day d of the month.';
-- The mask changes with every day of the month and is in no index: room on the page keeps the update there.

create table if not exists ocp_tag_alias (
    source_uuid uuid primary key,
    cluster_alias text not null
);
comment on table ocp_tag_alias is 'Name under which a source stands in the tag values; another name in the registry makes them stale.';
comment on column ocp_tag_alias.source_uuid is 'Provider.';
comment on column ocp_tag_alias.cluster_alias is 'Name of the source when its tag values were written last.';
