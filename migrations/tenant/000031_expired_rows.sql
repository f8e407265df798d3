-- Up Migration
-- Rows of months that the retention no longer keeps are left out when a payload is split, and counted.
alter table ocp_file add column if not exists expired_row_count bigint not null default 0;
comment on column ocp_file.expired_row_count is 'Rows left out because their month is no longer kept: neither accepted nor rejected.';
