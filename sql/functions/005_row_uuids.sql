-- functions/005_row_uuids.sql
-- Purpose  UUIDs for the rows of one statement, in row order
-- Why      With random UUIDs as primary key, every row is inserted into a different index page, which takes longer than
--          the row itself and writes more WAL. Ordered UUIDs fill the pages one after the other.
-- Rerun    repeatable definition

create or replace function ocp_uuid_prefix() returns text
language sql volatile parallel restricted
as $$
    select left(gen_random_uuid()::text, 24)
$$;
comment on function ocp_uuid_prefix() is 'First 80 bits of a random uuid, as text: a new one for each statement that writes many rows.';

create or replace function ocp_row_uuid(p_prefix text, p_number bigint) returns uuid
language sql immutable parallel safe
as $$
    select (p_prefix || lpad(to_hex(p_number), 12, '0'))::uuid
$$;
comment on function ocp_row_uuid(text, bigint) is 'The uuid of row p_number, below 2^48, of a statement that has the prefix p_prefix.';
