import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { setTenantSettings } from '../../platform/tenants/tenant.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';

let cli: CommandLine;

/** A cluster whose optional columns are all null: another program registered it, and nobody named it. */
const bareSource = '00000000-0000-4000-8000-000000000001';
const fullSource = '00000000-0000-4000-8000-000000000002';
const bareManifest = '00000000-0000-4000-8000-00000000000a';
const fullManifest = '00000000-0000-4000-8000-00000000000b';

beforeAll(async () => {
  cli = await createCommandLine();
  const { pool, schema, orgId, url } = cli.database;
  for (const [clusterId, sourceUuid] of [
    ['bare', bareSource],
    ['0123', fullSource],
  ] as const)
    await registerSource(
      { pool, databaseUrl: url, log: { info: () => undefined } },
      { orgId, clusterId, sourceUuid, name: clusterId },
    );
  for (const statement of [withoutClusterId, credentialRows, failureRows]) await pool.query(statement);
  await inTenantTransaction(pool, schema, async (client) => {
    for (const statement of [tagRows, modelRows, manifestRows, dayRows]) await client.query(statement);
  });
});

/** What the command prints as a table, cells separated by two spaces or more, and as JSON. */
async function shown(...words: string[]): Promise<{ lines: string[]; value: unknown }> {
  const text = await cli.run(words);
  expect(text.code, text.stderr).toBe(0);
  expect(text.stdout).not.toMatch(/\b(null|undefined|NaN|Invalid Date)\b|\[object/);
  const json = await cli.run([...words, '--json']);
  expect(json.code, json.stderr).toBe(0);
  const lines = text.stdout.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
  return { lines, value: JSON.parse(json.stdout) as unknown };
}

const withoutClusterId = `
  update public.api_providerauthentication as authentication set credentials = '{}'
  from public.api_provider as provider
  where provider.authentication_id = authentication.id and provider.uuid = '${bareSource}'`;

const credentialRows = `
  insert into public.api_token (name, org_id, clusters, nodes, projects, secret_hash, created_at) values
      ('bare', '007', '{*}', '{*}', '{*}', '\\x00', '2026-01-01T00:00:00Z');
  insert into public.api_token (
      name, org_id, clusters, nodes, projects, secret_hash, description, created_at, expires_at, revoked_at, last_used_at
  ) values
      ('full', '007', '{0123,east}', '{1e3}', '{true}', '\\x00', '12', '2026-01-02T00:00:00Z', '2026-02-01T00:00:00Z',
       null, '2026-01-03T04:05:00Z'),
      ('gone', '8', '{*}', '{*}', '{shop}', '\\x00', '', '2026-01-03T00:00:00Z', '2999-01-01T00:00:00Z',
       '2026-01-04T00:00:00Z', null),
      ('later', '8', '{*}', '{*}', '{*}', '\\x00', null, '2026-01-04T00:00:00Z', '2999-01-01T00:00:00Z', null, null);
  insert into public.source_credential (kind, name, org_id, cluster_id, secret_hash, created_at) values
      ('token', 'bare', '007', null, '\\x00', '2026-01-01T00:00:00Z'),
      ('client', 'ocp-bare', '007', '0123', '\\x00', '2026-01-01T00:00:00Z');
  insert into public.source_credential (
      kind, name, org_id, cluster_id, secret_hash, created_at, rotated_at, expires_at, revoked_at, last_used_at
  )
  select
      kind, prefix || 'full', '8', 'true', '\\x00', '2026-01-02T00:00:00Z', '2026-01-02T01:00:00Z',
      '2026-02-01T00:00:00Z', '2026-01-04T00:00:00Z', '2026-01-03T04:05:00Z'
  from (values ('token', ''), ('client', 'ocp-')) as listed (kind, prefix)`;

const failureRows = `
  insert into public.ingest_failure (org_id, request_id, error_type, reason, failed_at, resolved_at, resolution) values
      ('8', '1e3', 'ManifestInvalid', 'not JSON', '2026-01-02T00:00:00Z', null, null),
      ('8', 'a-long-request-id', 'PayloadUnavailable', 'gone', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 'dismissed')`;

const tagRows = `
  insert into reporting_enabledtagkeys (uuid, key, enabled, provider_type) values
      (gen_random_uuid(), '007', false, 'OCP'),
      (gen_random_uuid(), 'app', true, 'OCP'),
      (gen_random_uuid(), 'application', true, 'OCP');
  insert into reporting_tagmapping (parent_id, child_id)
  select parent.uuid, child.uuid
  from reporting_enabledtagkeys as parent, reporting_enabledtagkeys as child
  where parent.key = 'app' and child.key = 'application'`;

const modelRows = `
  insert into cost_model (
      uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup, distribution,
      distribution_info, currency
  ) values (
      '00000000-0000-4000-8000-0000000000c1', '1e3', '', 'OCP', '2026-01-01T00:00:00Z', '2026-01-02T03:04:05Z', '{}', '{}',
      'cpu', '{}', 'USD'
  )`;

const manifestRows = `
  insert into public.reporting_common_costusagereportmanifest (
      id, assembly_id, billing_period_start_datetime, num_total_files, provider_id, cluster_id, completed_datetime
  ) values
      (1, 'a', '2026-10-01', 1, '${bareSource}', null, null),
      (2, 'b', '2026-10-01', 1, '${fullSource}', '0123', '2026-10-02');
  insert into ocp_manifest (
      manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports, release, released_at, registered_at
  ) values
      (1, '${bareSource}', '${bareManifest}', '2026-10-02', true, null, null, '2026-10-02T01:00:00Z'),
      (2, '${fullSource}', '${fullManifest}', '2026-10-02', true, 'timeout', '2026-10-02', '2026-10-02T02:00:00Z');
  insert into ocp_file (manifest_id, file_index, file_name) values (1, 0, 'bare.csv');
  insert into ocp_file (
      manifest_id, file_index, file_name, report_kind, state, row_count, rejected_row_count, rejects_key, message,
      request_id, left_out_counts, left_out_key, warnings, expired_row_count
  ) values (2, 0, 'full.csv', 'pod_usage', 'split', 7, 2, 'rejects/2', '3 lines are odd', 'r', '{"labels": 4}', 'left/2',
      '{"the clock is wrong"}', 5);
  insert into ocp_piece (
      file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count, checksum
  )
  select file_id, 1, '${bareSource}', 1, 'pod_usage', '2026-10-01', 'k', 1, 0, '' from ocp_file where manifest_id = 1;
  insert into ocp_piece (
      file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count, checksum,
      declared_hours, hour_mask, state, staged_at, processed_at, live_hours, left_out_label_keys, reduced_label_sets
  )
  select file_id, 2, '${fullSource}', 2, 'pod_usage', '2026-10-01', 'k', 1, 7, '', 3, 7, 'swept', '2026-10-02',
      '2026-10-02T03:00:00Z', 3, 6, 8
  from ocp_file where manifest_id = 2;
  insert into ocp_file (manifest_id, file_index, file_name, report_kind, state)
  select 2, index, 'lake-' || index || '.csv', 'node_labels', 'split' from generate_series(1, 4) as index;
  insert into ocp_piece (
      file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count, checksum,
      state
  )
  select file_id, 2, '${fullSource}', 2, 'node_labels', '2026-11-01', 'k', 1, file_index, 'now',
      (array['swept', 'staged', 'registered', 'staged'])[file_index]
  from ocp_file where manifest_id = 2 and file_index > 0;
  insert into ocp_lake_piece (piece_id, checksum, parquet_key, row_count, byte_count)
  select piece_id, case row_count when 4 then 'before' else 'now' end, 'p', 1, 1
  from ocp_piece where report_kind = 'node_labels' and state <> 'registered';
  insert into ocp_source_month (source_uuid, billing_month, rules, engine) values
      ('${fullSource}', '2026-10-01', 'design', 'postgres'),
      ('${fullSource}', '2026-11-01', 'design', 'trino')`;

const dayRows = `
  insert into ocp_day (source_uuid, usage_day, version, pieces_hash, settings_hash, rules) values
      ('${bareSource}', '2026-10-01', 1, '', '', 'design'),
      ('${fullSource}', '2026-10-01', 1, '', '', 'design'),
      ('00000000-0000-4000-8000-0000000000ff', '2026-10-01', 1, '', '', 'design');
  insert into ocp_engine_comparison (
      source_uuid, usage_day, shadow, outcome, different_row_count, differences, problem, compared_at
  ) values
      ('${fullSource}', '2026-10-01', 'trino', 'different', 1,
       '[{"relation": "ocp_pod_day", "rowCount": 1, "firstKeys": [{"node": "n"}]}]', null, '2026-10-03'),
      ('00000000-0000-4000-8000-0000000000ff', '2026-10-01', 'trino', 'failed', 0, '[]', 'no answer', '2026-10-03')`;

test('api token list: tokens that show everything, and some', async () => {
  const { lines, value } = await shown('api', 'token', 'list');
  expect(lines.slice(1, -1)).toEqual([
    'bare | 007 | everything | 2026-01-01 00:00 | never | valid',
    'full | 007 | clusters 0123, east; nodes 1e3; projects true | 2026-01-02 00:00 | 2026-01-03 04:05 | ' +
      'expired 2026-02-01 00:00 | 12',
    'gone | 8 | projects shop | 2026-01-03 00:00 | never | revoked 2026-01-04 00:00',
    'later | 8 | everything | 2026-01-04 00:00 | never | valid until 2999-01-01 00:00',
  ]);
  expect(value).toMatchObject([
    { name: 'bare', clusters: ['*'], description: null, expiresAt: null, revokedAt: null, lastUsedAt: null },
    { name: 'full', clusters: ['0123', 'east'], nodes: ['1e3'], projects: ['true'], description: '12' },
    { name: 'gone', revokedAt: '2026-01-04T00:00:00.000Z' },
    { name: 'later' },
  ]);
  const ofOne = await shown('api', 'token', 'list', '--org', '007');
  expect(ofOne.value).toMatchObject([{ name: 'bare' }, { name: 'full' }]);
});

test.each([
  ['client', 'ocp-', '0123'],
  ['token', '', 'all'],
])('source %s list: what they are bound to and whether they are valid', async (kind, prefix, cluster) => {
  const { lines, value } = await shown('source', kind, 'list');
  expect(lines.slice(1, -1)).toEqual([
    `${prefix}bare | 007 | ${cluster} | 2026-01-01 00:00 | never | valid`,
    `${prefix}full | 8 | true | 2026-01-02 00:00 | 2026-01-03 04:05 | revoked 2026-01-04 00:00`,
  ]);
  expect(value).toMatchObject([{ rotatedAt: null }, { rotatedAt: '2026-01-02T01:00:00.000Z' }]);
  expect((await shown('source', kind, 'list', '--org', '007')).value).toMatchObject([{ orgId: '007' }]);
});

test('source list: also a cluster without an id', async () => {
  const { orgId, schema } = cli.database;
  const { lines, value } = await shown('source', 'list');
  expect(lines.slice(1, -1)).toEqual([
    `${orgId} | 0123 | 0123 | ${fullSource} | ${schema}`,
    `${orgId} | bare | ${bareSource} | ${schema}`,
  ]);
  expect(value).toMatchObject([{ clusterId: '0123' }, { clusterId: null }]);
});

test('tags list: keys with and without a parent', async () => {
  const { lines, value } = await shown('tags', 'list', '--org', cli.database.orgId);
  expect(lines.slice(1, -1)).toEqual(['007 | no', 'app | yes', 'application | yes | app']);
  expect(value).toEqual({
    keys: [
      { key: '007', enabled: false },
      { key: 'app', enabled: true },
      { key: 'application', enabled: true },
    ],
    mappings: [{ parent: 'app', children: ['application'] }],
  });
});

test('cost-model list and show: a model without price list and clusters', async () => {
  const org = ['--org', cli.database.orgId];
  const { lines, value } = await shown('cost-model', 'list', ...org);
  expect(lines.slice(1, -1)).toEqual(['1e3 | USD | 0 | 0 | 2026-01-02T03:04']);
  expect(value).toMatchObject([{ name: '1e3', clusters: [], priceListCount: 0, rateCount: 0 }]);
  expect((await shown('cost-model', 'show', '1e3', ...org)).value).toMatchObject({ name: '1e3', rates: [] });
});

test('status: manifests, failures, costs and comparisons', async () => {
  const { lines, value } = await shown('status');
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(new RegExp(`^${fullManifest} .* 0123 .* 5/5 .* 4/5 .* 7 .* 2 .* 4 `)),
      expect.stringMatching(new RegExp(`^${bareManifest} .* 0/1 .* 0/1 .* 0 .* 0 .* 0 `)),
      '2026-01-02T00:00:00Z | 8 | 1e3 | ManifestInvalid | open | not JSON',
      '2026-01-01T00:00:00Z | 8 | a-long-reque | PayloadUnavailable | dismissed | gone',
      '0123 2026-10: 1 of 1 days are not priced yet',
      `${bareSource} 2026-10: 1 of 1 days are not priced yet`,
      'Not compared: no answer',
      `${cli.database.orgId} | 0123 | 2026-10 | postgres | no cost model | never computed`,
    ]),
  );
  expect(value).toMatchObject({
    manifests: [{ manifestUuid: fullManifest }, { manifestUuid: bareManifest, clusterId: null }],
    failures: [{ resolution: null }, { resolution: 'dismissed' }],
    comparisons: expect.arrayContaining([expect.objectContaining({ clusterAlias: null })]) as unknown,
  });
});

test('status of one manifest: files and pieces', async () => {
  const bare = await shown('status', bareManifest);
  expect(bare.lines).toEqual(
    expect.arrayContaining([
      'bare.csv | awaited | 0 | 0 | 0 | 0',
      '2026-10-01 | pod_usage | 0 | 0 | registered',
    ]),
  );
  expect(bare.value).toMatchObject({
    files: [{ reportKind: null, rejectsKey: null, message: null }],
    pieces: [{ generation: null, processedAt: null, inLake: false, engine: null }],
  });
  const full = await shown('status', fullManifest);
  expect(full.lines).toEqual(
    expect.arrayContaining([
      'full.csv | pod_usage | split | 7 | 2 | 5 | 4 | 3 lines are odd; 6 new label keys not entered ' +
        '(OCP_MAX_NEW_LABEL_KEYS); 8 label sets reduced to enabled keys (OCP_MAX_NEW_LABEL_SETS)',
      // Of the hours 0, 1 and 2, the first two count.
      '2026-10-01 | pod_usage | 3 | 7 | swept | postgres | hours 0–1 of 3 live | 2026-10-02T03:00:00Z',
      '2026-11-01 | node_labels | 0 | 1 | in the lake | trino',
      '2026-11-01 | node_labels | 0 | 2 | staged, in the lake | trino',
      '2026-11-01 | node_labels | 0 | 3 | registered | trino',
      // The file there has older content.
      '2026-11-01 | node_labels | 0 | 4 | staged | trino',
      'Warning: the clock is wrong',
    ]),
  );
  // The lists of rows were removed with their month; the counts stay.
  expect(full.value).toMatchObject({
    rejects: [{ rejectedRowCount: 2, rows: [] }],
    leftOut: [{ values: [] }],
    pieces: [
      { state: 'swept', inLake: false, engine: 'postgres' },
      { state: 'swept', inLake: true, engine: 'trino' },
      { state: 'staged', inLake: true },
      { state: 'registered', inLake: false },
      { state: 'staged', inLake: false },
    ],
  });
});

test('tenant show: what the organisation has set, and what is of the deployment', async () => {
  const { orgId, pool } = cli.database;
  const before = await shown('tenant', 'show', orgId);
  expect(before.lines.slice(1, -1)).toEqual([
    'rules | design | deployment',
    'engine | postgres | deployment',
    'shadow | none | deployment',
  ]);
  await setTenantSettings(pool, orgId, [
    ['rules', 'koku'],
    ['shadow', 'trino'],
  ]);
  const { lines, value } = await shown('tenant', 'show', orgId);
  expect(lines.slice(1, -1)).toEqual([
    'rules | koku | organisation',
    'engine | postgres | deployment',
    'shadow | trino | organisation',
  ]);
  expect(value).toEqual({
    orgId,
    settings: [
      { key: 'rules', value: 'koku', from: 'organisation' },
      { key: 'engine', value: 'postgres', from: 'deployment' },
      { key: 'shadow', value: 'trino', from: 'organisation' },
    ],
  });
  const unknown = await cli.run(['tenant', 'show', 'nobody']);
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringContaining('Organisation nobody is unknown'),
  ]);
});
