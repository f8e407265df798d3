-- Up Migration
-- Who may send payloads to `serve`: credentials of operators and scripts. Secrets are random and have 256 bits, so
-- their SHA-256 suffices: there is nothing to guess that a slow hash would protect.

create table if not exists source_credential (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('client', 'token')),
    name text not null unique,
    org_id text not null,
    cluster_id text,
    secret_hash bytea not null,
    secret_version integer not null default 1,
    created_at timestamptz not null default now(),
    rotated_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    check (kind = 'token' or cluster_id is not null)
);
create index if not exists source_credential_org_idx on source_credential (org_id);
comment on table source_credential is 'Credentials that senders of payloads log in with; revoked ones are kept, so that the audit log can be read.';
comment on column source_credential.id is 'Key; the subject of the tokens that the token endpoint issues.';
comment on column source_credential.kind is 'client: id and secret of an operator; token: a static token of a script.';
comment on column source_credential.name is 'Public part: the client id, or the id within a static token.';
comment on column source_credential.org_id is 'Organisation that the holder acts for.';
comment on column source_credential.cluster_id is 'The only cluster that the holder acts for; NULL: all clusters of the organisation.';
comment on column source_credential.secret_hash is 'SHA-256 of the secret, which is stored nowhere.';
comment on column source_credential.secret_version is 'Incremented when the secret is replaced; tokens issued before are then refused.';
comment on column source_credential.created_at is 'When it was created.';
comment on column source_credential.rotated_at is 'When its secret was last replaced; NULL: never.';
comment on column source_credential.expires_at is 'When it ends; NULL: never.';
comment on column source_credential.revoked_at is 'When it was revoked; NULL: it is valid.';
comment on column source_credential.last_used_at is 'When it was last used, to the minute.';

create table if not exists token_signing_key (
    id uuid primary key default gen_random_uuid(),
    secret bytea not null,
    created_at timestamptz not null default now()
);
comment on table token_signing_key is 'Keys that sign the tokens of the token endpoint (HS256); shared by all processes that serve.';
comment on column token_signing_key.id is 'Key; the kid of a token.';
comment on column token_signing_key.secret is '32 random bytes; a secret.';
comment on column token_signing_key.created_at is 'When it was created; the newest one signs, and after 30 days a new one is created.';

-- Clusters that were registered before this program wrote sources.
insert into api_sources (
    source_id, source_uuid, name, "offset", source_type, authentication, billing_source, koku_uuid, pending_delete,
    pending_update, out_of_order_delete, status, paused, provider_id, org_id, account_id, updated_timestamp
)
select
    (select coalesce(max(source_id), 0) from api_sources)
    + row_number() over (order by provider.created_timestamp, provider.uuid),
    provider.uuid,
    provider.name,
    0,
    'OCP',
    jsonb_build_object('credentials', authentication.credentials),
    jsonb_build_object('data_source', '{}'::jsonb),
    provider.uuid::text,
    false,
    false,
    false,
    '{}',
    false,
    provider.uuid,
    customer.org_id,
    customer.account_id,
    now()
from api_provider as provider
join api_providerauthentication as authentication on authentication.id = provider.authentication_id
join api_customer as customer on customer.id = provider.customer_id
where provider.type = 'OCP'
    and not exists (
        select 1
        from api_sources as source
        where source.koku_uuid = provider.uuid::text or source.provider_id = provider.uuid
            or source.source_uuid = provider.uuid
    );

do $$
begin
    if not exists (select from ocp_adopted_table where name = 'api_sources') then
        comment on table api_sources is
        'Sources as the Sources API lists them: one row per registered cluster, written with its provider.';
        comment on column api_sources.source_id is 'Id of the source in the Sources API.';
        comment on column api_sources.koku_uuid is 'Provider of the source.';
    end if;
end
$$;
