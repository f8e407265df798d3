-- functions/012_label_sets.sql
-- Purpose  store label sets once and hand out their ids; register label keys nobody has seen
-- Writes   ocp_label_set, reporting_enabledtagkeys
-- Locks    rows are written in the order of their keys, so that two loads never wait for each other in a circle
-- Rerun    an existing set or key is kept

create or replace function ocp_label_set_ids(p_hashes bytea[], p_labels jsonb[])
returns table (labels_hash bytea, label_set_id bigint)
language plpgsql
set search_path from current
as $$
begin
    insert into ocp_label_set as known (labels_hash, labels, enabled_labels, enabled_keys_hash)
    select
        sent.hash,
        sent.labels,
        ocp_filter_labels(sent.labels, enabled.keys),
        enabled.hash
    from unnest(p_hashes, p_labels) as sent (hash, labels)
    cross join (
        select
            ocp_enabled_keys() as keys,
            ocp_enabled_keys_hash() as hash
    ) as enabled
    where not exists (
        select 1
        from ocp_label_set as stored
        where stored.labels_hash = sent.hash
    )
    order by sent.hash
    on conflict on constraint ocp_label_set_labels_hash_key do nothing;

    -- To the hour: enough for the sweep, and a month's load does not rewrite every set thirty times.
    update ocp_label_set as known
    set last_used_at = now()
    from (
        select stored.label_set_id
        from ocp_label_set as stored
        where stored.labels_hash = any(p_hashes)
            and stored.last_used_at < now() - interval '1 hour'
        order by stored.labels_hash
        for update
    ) as stale
    where known.label_set_id = stale.label_set_id;

    return query
    select
        stored.labels_hash,
        stored.label_set_id
    from ocp_label_set as stored
    where stored.labels_hash = any(p_hashes);
end
$$;
comment on function ocp_label_set_ids(bytea[], jsonb[]) is 'Ids of label sets, by the SHA-256 of their JSON with sorted keys; stores those that are new.';

create or replace function ocp_register_label_keys(p_keys text[])
returns void
language sql
set search_path from current
as $$
    insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
    select
        gen_random_uuid(),
        sent.key,
        false,
        'OCP'
    from (select distinct key from unnest(p_keys) as listed (key)) as sent
    -- The column holds 512 characters; a longer key can never be enabled.
    where length(sent.key) <= 512
        and not exists (
            select 1
            from reporting_enabledtagkeys as known
            where known.key = sent.key
                and known.provider_type = 'OCP'
        )
    order by sent.key collate "C"
    on conflict (key, provider_type) do nothing
$$;
comment on function ocp_register_label_keys(text[]) is 'Enters label keys that nobody has seen yet, disabled.';
