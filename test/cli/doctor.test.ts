import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';

let cli: CommandLine;

beforeAll(async () => {
  cli = await createCommandLine();
  await cli.run(['source', 'add', '--org', cli.database.orgId, '--cluster', 'c', '--name', 'n']);
});

test('doctor finds what is missing and says how to repair it', async () => {
  const { code, stdout } = await cli.run(['doctor', '--json']);
  const checks = JSON.parse(stdout) as { what: string; ok: boolean; repair?: string }[];
  expect(checks.filter((check) => !check.ok).map((check) => check.repair)).toEqual(
    Object.values(taskQueues).map(() => 'start one: ocp-pipeline worker'),
  );
  expect(checks.filter((check) => check.ok).map((check) => check.what)).toEqual([
    'PostgreSQL',
    'encoding of the database',
    'writing to the database',
    'schema public',
    'schema org1234567',
    'line items',
    'cost models',
    'object store',
    'Temporal',
    'search attributes',
  ]);
  expect(code).toBe(1);
});

test('doctor names a key that an upsert needs and the statement that adds it, which helps', async () => {
  const { pool, schema } = cli.database;
  await pool.query(
    `alter table ${schema}.reporting_ocp_projects drop constraint reporting_ocp_projects_project_cluster_id_key`,
  );
  const check = async () => {
    const { stdout } = await cli.run(['doctor', '--json']);
    const checks = JSON.parse(stdout) as { what: string; ok: boolean; found: string; repair?: string }[];
    return checks.find(({ what }) => what === `schema ${schema}`);
  };
  const found = await check();
  expect(found).toMatchObject({
    ok: false,
    found: 'reporting_ocp_projects has no unique key on (project, cluster_id)',
  });
  const [statement = ''] = /alter table .*;/.exec(found?.repair ?? '') ?? [];
  await pool.query(statement);
  expect(await check()).toMatchObject({ ok: true });
});

test('doctor says which server cannot be reached and goes on with the others', async () => {
  const { code, stdout } = await cli.run(['doctor', '--json'], {
    OBJECT_STORE: 's3://absent/x',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    AWS_REGION: 'x-1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'hidden-secret',
    AWS_MAX_ATTEMPTS: '1',
  });
  const checks = JSON.parse(stdout) as { what: string; ok: boolean; repair?: string }[];
  expect(code).toBe(1);
  expect(checks.find((check) => check.what === 'object store')).toMatchObject({
    ok: false,
    repair: expect.stringContaining('check OBJECT_STORE') as string,
  });
  expect(checks.find((check) => check.what === 'PostgreSQL')).toMatchObject({ ok: true });
  expect(stdout).not.toContain('hidden-secret');
});

test('doctor compares staging with the ledger, and names the command that mends it', async () => {
  const { pool, schema, orgId } = cli.database;
  await inTenantTransaction(pool, schema, (client) =>
    client.query(
      `with source as (select uuid from public.api_provider limit 1),
       period as (
           insert into reporting_ocpusagereportperiod (cluster_id, report_period_start, report_period_end, provider_id)
           select 'c', '2026-10-01Z', '2026-11-01Z', uuid from source
           returning id
       ),
       manifest as (
           insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports)
           select 1, uuid, gen_random_uuid(), now(), true from source
           returning manifest_id
       ),
       file as (
           insert into ocp_file (manifest_id, file_index, file_name) select manifest_id, 0, 'f' from manifest returning file_id
       )
       insert into ocp_piece (
           file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
           hour_mask, live_hours, checksum, state
       )
       select file_id, 1, source.uuid, period.id, 'pod_usage', '2026-10-05', 'k', 0, 1500, 1, 1, 'c', 'staged'
       from source, period, file`,
    ),
  );
  const { code, stdout } = await cli.run(['doctor', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toContainEqual({
    what: 'line items of c, 2026-10',
    ok: false,
    found: 'pod_usage of 2026-10-05: 1,500 rows in the ledger, 0 in staging',
    repair: `ocp-pipeline resummarize --org ${orgId} --cluster c --month 2026-10`,
  });
});
