-- Up Migration
-- Labels: each distinct set once, and the days on which label maps were seen.

create table if not exists ocp_label_set (
    label_set_id bigint generated always as identity primary key,
    labels_hash bytea not null unique,
    labels jsonb not null,
    enabled_labels jsonb not null,
    enabled_keys_hash text not null,
    last_used_at timestamptz not null default now()
);
-- Those of virtual machines: few of all sets of the tenant, and asked for in every month that has no VM report.
create index if not exists ocp_label_set_vm_idx on ocp_label_set (label_set_id) where labels ? 'vm_kubevirt_io_name';
comment on table ocp_label_set is 'Each distinct set of labels once; staging rows refer to it.';
comment on column ocp_label_set.label_set_id is 'Key.';
comment on column ocp_label_set.labels_hash is 'SHA-256 of the labels as JSON with sorted keys.';
comment on column ocp_label_set.labels is 'Labels as sent, all keys.';
comment on column ocp_label_set.enabled_labels is 'Labels reduced to the enabled keys that enabled_keys_hash stands for.';
comment on column ocp_label_set.enabled_keys_hash is 'Hash of the list of enabled keys that enabled_labels was filtered with.';
comment on column ocp_label_set.last_used_at is 'Last load that used the set (to the hour).';

-- The label tables of Koku keep the child keys of tag mappings, so they are computed from here and not from the daily
-- summary, where mapping has renamed keys.
-- Whole maps: a fifth of the rows that one per key and value would take. The mask changes with every day of the month and
-- is in no index: room on the page keeps the update there.
create table if not exists ocp_label_days (
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

create table if not exists ocp_tag_alias (
    source_uuid uuid primary key,
    cluster_alias text not null
);
comment on table ocp_tag_alias is 'Name under which a source stands in the tag values; another name in the registry makes them stale.';
comment on column ocp_tag_alias.source_uuid is 'Provider.';
comment on column ocp_tag_alias.cluster_alias is 'Name of the source when its tag values were written last.';
