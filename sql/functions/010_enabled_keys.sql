-- functions/010_enabled_keys.sql
-- Purpose  which label keys count, and how a label map is reduced to them
-- Reads    reporting_enabledtagkeys
-- Rerun    repeatable definition

create or replace function ocp_enabled_keys() returns text[]
language sql stable parallel safe
set search_path from current
as $$
    select array_agg(key order by key collate "C")
    from (
        select key::text
        from reporting_enabledtagkeys
        where enabled
            and provider_type = 'OCP'
        union
        -- Virtual machines are told by this key, so it is kept whether it is enabled or not.
        select 'vm_kubevirt_io_name'
    ) as enabled_key
$$;
comment on function ocp_enabled_keys() is 'Enabled OpenShift label keys and the always-kept key of virtual machines, sorted.';

create or replace function ocp_enabled_keys_hash() returns text
language sql stable parallel safe
set search_path from current
as $$ select md5(array_to_string(ocp_enabled_keys(), e'\n')) $$;
comment on function ocp_enabled_keys_hash() is 'Tells two lists of enabled keys apart; stored beside every filtered label map.';

create or replace function ocp_filter_labels(p_labels jsonb, p_keys text[]) returns jsonb
language sql immutable parallel safe
as $$
    select coalesce(jsonb_object_agg(label.key, label.value), '{}')
    from jsonb_each(p_labels) as label
    where label.key = any(p_keys)
$$;
comment on function ocp_filter_labels(jsonb, text[]) is 'The label map reduced to the given keys.';

-- No "set" clause: with one the planner could not inline the function, and calling it would cost more than its work.
create or replace function ocp_enabled_labels(p_set ocp_label_set, p_keys text[], p_keys_hash text) returns jsonb
language sql immutable parallel safe
as $$
    select case
        when p_set.enabled_keys_hash = p_keys_hash then p_set.enabled_labels
        -- The list of enabled keys changed after the set was stored.
        else ocp_filter_labels(p_set.labels, p_keys)
    end
$$;
comment on function ocp_enabled_labels(ocp_label_set, text[], text) is 'Labels of a set reduced to the present enabled keys.';
