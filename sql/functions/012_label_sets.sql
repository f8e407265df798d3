-- functions/012_label_sets.sql
-- Purpose  store each label set once and return its id; register new label keys
-- Reads    reporting_enabledtagkeys, once, and not at all if every set is known
-- Writes   ocp_label_set, reporting_enabledtagkeys, ocp_manifest (how much of its limits the manifest has used)
-- Locks    rows are written in key order, so that two loads never deadlock; the manifest's row comes first
-- Rerun    an existing set or key is kept

drop function if exists ocp_label_set_ids(bytea[], jsonb[]);

create or replace function ocp_label_set_ids(
    p_hashes bytea[],
    p_labels jsonb[],
    p_manifest_id integer default null,
    p_most_new_sets bigint default null
)
returns table (labels_hash bytea, label_set_id bigint)
language plpgsql
set search_path from current
as $$
declare
    v_new_hashes bytea[];
    v_keys text[];
    v_keys_hash text;
    v_room bigint;
    v_stored bigint;
begin
    v_new_hashes := array(
        select sent.hash
        from unnest(p_hashes) as sent (hash)
        where not exists (
            select 1
            from ocp_label_set as stored
            where stored.labels_hash = sent.hash
        )
        order by sent.hash
    );
    if cardinality(v_new_hashes) > 0 then
        -- Once each: a subquery would be pulled up, and the keys read again for every set.
        v_keys := ocp_enabled_keys();
        v_keys_hash := ocp_enabled_keys_hash();
        select greatest(p_most_new_sets - manifest.new_label_sets, 0)
        into v_room
        from ocp_manifest as manifest
        where manifest.manifest_id = p_manifest_id
            and p_most_new_sets is not null
        for no key update;
        insert into ocp_label_set as known (labels_hash, labels, enabled_labels, enabled_keys_hash)
        select
            sent.hash,
            sent.labels,
            ocp_filter_labels(sent.labels, v_keys),
            v_keys_hash
        from unnest(p_hashes, p_labels) as sent (hash, labels)
        where sent.hash = any(v_new_hashes[1:coalesce(v_room, cardinality(v_new_hashes))])
        order by sent.hash
        on conflict on constraint ocp_label_set_labels_hash_key do nothing;
        get diagnostics v_stored = row_count;
        if p_manifest_id is not null and v_stored > 0 then
            update ocp_manifest as manifest
            set new_label_sets = manifest.new_label_sets + v_stored
            where manifest.manifest_id = p_manifest_id;
        end if;
    end if;

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
comment on function ocp_label_set_ids(bytea[], jsonb[], integer, bigint) is
'Ids of label sets, by the SHA-256 of their JSON with sorted keys; stores those that are new, of one manifest no more than given: the rest has no id.';

drop function if exists ocp_register_label_keys(text[]);

create or replace function ocp_register_label_keys(
    p_keys text[],
    p_manifest_id integer default null,
    p_most_new_keys bigint default null
)
returns bigint
language plpgsql
set search_path from current
as $$
declare
    v_new_keys text[];
    v_room bigint;
    v_entered bigint;
begin
    v_new_keys := array(
        select sent.key
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
    );
    if cardinality(v_new_keys) = 0 then
        return 0;
    end if;
    select greatest(p_most_new_keys - manifest.new_label_keys, 0)
    into v_room
    from ocp_manifest as manifest
    where manifest.manifest_id = p_manifest_id
        and p_most_new_keys is not null
    for no key update;

    insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type)
    select
        gen_random_uuid(),
        sent.key,
        false,
        'OCP'
    from unnest(v_new_keys[1:coalesce(v_room, cardinality(v_new_keys))]) as sent (key)
    order by sent.key collate "C"
    on conflict (key, provider_type) do nothing;
    get diagnostics v_entered = row_count;
    if p_manifest_id is not null and v_entered > 0 then
        update ocp_manifest as manifest
        set new_label_keys = manifest.new_label_keys + v_entered
        where manifest.manifest_id = p_manifest_id;
    end if;
    return greatest(cardinality(v_new_keys) - coalesce(v_room, cardinality(v_new_keys)), 0);
end
$$;
comment on function ocp_register_label_keys(text[], integer, bigint) is
'Enters label keys that nobody has seen yet, disabled, of one manifest no more than given; returns how many it left out.';
