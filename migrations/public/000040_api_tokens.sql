-- Up Migration
-- Who may read reports through the read API: tokens of organisations, with the clusters, nodes and projects that they
-- show. Secrets are random and have 256 bits, so their SHA-256 suffices.

create table if not exists api_token (
    id uuid primary key default gen_random_uuid(),
    name text not null unique,
    org_id text not null,
    clusters text[] not null default '{*}' check (cardinality(clusters) > 0),
    nodes text[] not null default '{*}' check (cardinality(nodes) > 0),
    projects text[] not null default '{*}' check (cardinality(projects) > 0),
    secret_hash bytea not null,
    description text,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
create index if not exists api_token_org_idx on api_token (org_id);
comment on table api_token is 'Tokens that readers of reports log in with; revoked ones are kept.';
comment on column api_token.id is 'Key.';
comment on column api_token.name is 'Public part of the token.';
comment on column api_token.org_id is 'Organisation whose reports it shows.';
comment on column api_token.clusters is 'Clusters that it shows, by id or alias; * for all.';
comment on column api_token.nodes is 'Nodes that it shows; * for all.';
comment on column api_token.projects is 'Projects (namespaces) that it shows; * for all.';
comment on column api_token.secret_hash is 'SHA-256 of the secret, which is stored nowhere.';
comment on column api_token.description is 'What the token is for; NULL: not said.';
comment on column api_token.created_at is 'When it was created.';
comment on column api_token.expires_at is 'When it ends; NULL: never.';
comment on column api_token.revoked_at is 'When it was revoked; NULL: it is valid.';
comment on column api_token.last_used_at is 'When it was last used, to the minute.';
