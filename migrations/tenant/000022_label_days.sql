-- Up Migration
-- Label values as they were before tag mapping renamed keys in the daily summary. The label tables of Koku keep the
-- child keys, so they are computed from here and not from the daily summary.

create table if not exists ocp_label_days (
    label_days_id bigint generated always as identity primary key,
    source_uuid uuid not null,
    billing_month date not null,
    data_source text not null check (data_source in ('Pod', 'Storage')),
    namespace text not null,
    node text,
    key text not null,
    value text not null,
    day_mask integer not null,
    unique nulls not distinct (source_uuid, billing_month, data_source, namespace, node, key, value)
);
comment on table ocp_label_days is 'One row per label value of a namespace and node in a (source, month): the days on which the daily summary held it before tag mapping.';
comment on column ocp_label_days.label_days_id is 'Key.';
comment on column ocp_label_days.source_uuid is 'Provider.';
comment on column ocp_label_days.billing_month is 'First day of the month.';
comment on column ocp_label_days.data_source is 'Pod (labels of pods) or Storage (labels of volumes).';
comment on column ocp_label_days.namespace is 'Namespace.';
comment on column ocp_label_days.node is 'Node; NULL for a volume that no pod mounts.';
comment on column ocp_label_days.key is 'Label key as merged, before tag mapping.';
comment on column ocp_label_days.value is 'Label value.';
comment on column ocp_label_days.day_mask is 'Bit d - 1 is set when day d of the month holds the value; a row without any day is deleted.';
