-- Up Migration
-- What is noted of a file whose rows are kept: values left out, and what is suspicious.

alter table ocp_file
    add column if not exists left_out_counts jsonb not null default '{}',
    add column if not exists left_out_key text,
    add column if not exists warnings text[] not null default '{}';
comment on column ocp_file.left_out_counts is 'Values left out of rows that were kept, as {column: count}: numbers printed as absent, pieces of labels with several colons, labels that are JSON.';
comment on column ocp_file.left_out_key is 'Object that lists the first 1,000 of them with line and column; NULL when none were left out.';
comment on column ocp_file.warnings is 'Sentences about what is suspicious in rows that were kept, and about columns that the header has twice.';
