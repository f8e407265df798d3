-- Up Migration
-- Who sent an announced payload, for the message that forwards its resource-optimisation files.
alter table payload_announcement add column if not exists b64_identity text;
comment on column payload_announcement.b64_identity is 'Identity that the message named, base64, until the resource-optimisation files of the payload are forwarded; NULL if there is no bucket for them.';
