-- Up Migration
-- Bounds on what one payload brings in new label keys and label sets, and what was left out because of them.

alter table ocp_manifest
    add column if not exists new_label_keys integer not null default 0,
    add column if not exists new_label_sets integer not null default 0;
comment on column ocp_manifest.new_label_keys is 'Label keys that nobody had seen before and that its loads entered as disabled; MAX_NEW_LABEL_KEYS at most.';
comment on column ocp_manifest.new_label_sets is 'Label sets that its loads stored; beyond MAX_NEW_LABEL_SETS a set is reduced to the keys that count.';

alter table ocp_piece
    add column if not exists left_out_label_keys integer not null default 0,
    add column if not exists reduced_label_sets integer not null default 0;
comment on column ocp_piece.left_out_label_keys is 'New label keys that its last load did not enter, because the manifest brought too many; they stay in the label sets.';
comment on column ocp_piece.reduced_label_sets is 'Label sets that its last load reduced to the keys that count, because the manifest brought too many; its numbers are whole.';
