import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run.ts';
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
    'schema public',
    'schema org1234567',
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
