-- Up Migration
-- Payloads announced by Kafka messages, and how each is answered.
create table if not exists payload_announcement (
    request_id text primary key,
    org_id text,
    account text,
    announced_at timestamptz not null default now(),
    validation text check (validation in ('success', 'failure')),
    decided_at timestamptz,
    answered_at timestamptz,
    closed_at timestamptz
);
create index if not exists payload_announcement_open_idx on payload_announcement (announced_at)
    where answered_at is null and closed_at is null;
comment on table payload_announcement is 'One row per request id that a Kafka message announced; each is answered at most once.';
comment on column payload_announcement.request_id is 'Request id of the ingress; with org_id the payload of payload_inbox.';
comment on column payload_announcement.org_id is 'Organisation that the message named; NULL if it named none that can be one.';
comment on column payload_announcement.account is 'Account number that the message named.';
comment on column payload_announcement.announced_at is 'When the message was first read.';
comment on column payload_announcement.validation is 'The answer: success or failure; NULL while none is due.';
comment on column payload_announcement.decided_at is 'When the answer was decided.';
comment on column payload_announcement.answered_at is 'When the answer was written to the answer topic.';
comment on column payload_announcement.closed_at is 'When it was found that no answer is due any more: its run ended without one, or there is no answer topic.';
