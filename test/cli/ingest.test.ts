import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEnd } from '../../cli/follow-run.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { payloadPath } from '../support/fixtures.ts';

let cli: CommandLine;
let directory: string;

beforeAll(async () => {
  cli = await createCommandLine();
  directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-payloads-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function ingest(payload: string, ...options: string[]) {
  return cli.run(['ingest', payload, '--org', cli.database.orgId, '--with-worker', ...options]);
}

describe('ingest', () => {
  test('a payload that is no archive ends with one sentence and exit code 1', async () => {
    const path = join(directory, 'text.tar.gz');
    await writeFile(path, 'this is not an archive');
    const { code, stdout } = await ingest(path);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^\S+: failed \(ManifestInvalid\): The payload archive is not gzip .*expected a tar\.gz.*\n$/,
    );
    const failures = await cli.run(['status', '--json']);
    expect(JSON.parse(failures.stdout)).toMatchObject({
      manifests: [],
      failures: [{ errorType: 'ManifestInvalid' }],
    });
  });

  test('a file that does not exist is said at once', async () => {
    const { code, stderr } = await ingest(join(directory, 'absent.tar.gz'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/absent\.tar\.gz: no such file; give a path/);
  });

  test('an unknown cluster is ignored, exit code 0, with how to register it', async () => {
    const { code, stdout } = await ingest(payloadPath('operator-sample'));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /ignored: .*ocp-pipeline source add --org 1234567 --cluster operator-sample-cluster/,
    );
  });

  test('--register adds the cluster, and the payload that was ignored goes through now', async () => {
    const { code, stdout, stderr } = await ingest(payloadPath('operator-sample'), '--register', '--json');
    expect(code).toBe(0);
    expect(stderr).toContain('Registered cluster operator-sample-cluster');
    const [end] = JSON.parse(stdout) as RunEnd[];
    expect(end).toMatchObject({
      outcome: 'completed',
      result: { rowCount: 20, daysSummarised: 1, release: 'complete' },
    });
  });

  test('the same payload again is answered with the earlier result', async () => {
    const { code, stdout } = await ingest(payloadPath('operator-sample'));
    expect(code).toBe(0);
    expect(stdout).toContain('already ingested');
  });

  test('status shows the manifest with its files and days', async () => {
    const { code, stdout } = await cli.run(['status', '8f6b2c1e', '--json']);
    expect(code).toBe(0);
    const detail = JSON.parse(stdout) as { files: unknown[]; pieces: unknown[]; state: string };
    expect(detail.state).toBe('completed');
    expect(detail.files).toHaveLength(6);
    expect(detail.pieces).toContainEqual(
      expect.objectContaining({
        usageDay: '2026-10-06',
        reportKind: 'pod_usage',
        hours: 1,
        generation: 'live',
      }),
    );
  });

  test('rejected rows are counted and the payload completes', async () => {
    await cli.run([
      'source',
      'add',
      '--org',
      cli.database.orgId,
      '--cluster',
      'my-ocp-cluster-small',
      '--name',
      'small',
    ]);
    const { code, stdout } = await ingest(payloadPath('nise-malformed'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/completed: .* 4 rows rejected, 2 values left out/);
  });

  test('without --follow a run is only started when the workers are elsewhere', async () => {
    const { code, stdout } = await cli.run([
      'ingest',
      payloadPath('nise-partial_12h_day1'),
      '--org',
      cli.database.orgId,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/nise-partial_12h_day1\.tar\.gz: started manifest:1234567:[0-9a-f]{64}/);
  });
});

test('a wrong configuration is reported whole, without repeating secrets', async () => {
  const { code, stderr } = await cli.run(['status'], {
    DATABASE_URL: 'mysql://user:hidden@host/db',
    OCP_RULES: 'other',
  });
  expect(code).toBe(1);
  expect(stderr).toContain('DATABASE_URL: expected postgresql://');
  expect(stderr).toContain('OCP_RULES: ');
  expect(stderr).not.toContain('hidden');
});

test('the Trino engine is refused while nobody says where Trino is', async () => {
  // With the embedded Temporal, the workers are those of this process.
  const deployment = await cli.run(['status'], {
    OCP_POSTGRES_PIPELINE: 'false',
    DATABASE_URL: '',
    TEMPORAL_ADDRESS: '',
  });
  expect(deployment.code).toBe(1);
  expect(deployment.stderr).toContain('TRINO_URL: expected a value, because OCP_POSTGRES_PIPELINE is false');
  const tenant = await cli.run(['tenant', 'set', cli.database.orgId, 'engine=trino']);
  expect(tenant.code).toBe(1);
  expect(tenant.stderr).toContain('engine=trino needs TRINO_URL');
});

test('tenant settings are checked, stored and removed', async () => {
  const set = await cli.run(['tenant', 'set', cli.database.orgId, 'rules=koku', '--json']);
  expect(JSON.parse(set.stdout)).toEqual({ rules: 'koku' });
  const wrong = await cli.run(['tenant', 'set', cli.database.orgId, 'rules=other']);
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.stderr).toContain(
    'expected rules=design, rules=koku, engine=postgres, engine=trino, shadow=postgres or shadow=trino',
  );
  const removed = await cli.run(['tenant', 'set', cli.database.orgId, 'rules=', '--json']);
  expect(JSON.parse(removed.stdout)).toEqual({});
});

test('label keys are enabled ahead of their first payload, listed and disabled', async () => {
  const { orgId } = cli.database;
  expect(
    (await cli.run(['tags', 'enable', 'team-x', 'cost-center', '--org', orgId, '--json'])).stdout,
  ).toContain('"changed": 2');
  expect((await cli.run(['tags', 'enable', 'team-x', '--org', orgId, '--json'])).stdout).toContain(
    '"changed": 0',
  );
  expect((await cli.run(['tags', 'disable', 'team-x', '--org', orgId, '--json'])).stdout).toContain(
    '"changed": 1',
  );
  const { keys: list } = JSON.parse((await cli.run(['tags', 'list', '--org', orgId, '--json'])).stdout) as {
    keys: unknown[];
  };
  expect(list).toContainEqual({ key: 'cost-center', enabled: true });
  expect(list).toContainEqual({ key: 'team-x', enabled: false });
});

test('migrate and setup can be repeated', async () => {
  for (const command of ['migrate', 'setup']) {
    const { code } = await cli.run([command]);
    expect(code, command).toBe(0);
  }
});

test('an external PostgreSQL works with an embedded Temporal', async () => {
  const { code, stdout } = await cli.run(
    ['ingest', payloadPath('nise-full_day1'), '--org', cli.database.orgId],
    { TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined, OBJECT_STORE: undefined },
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/completed: .*1 day summarised/);
});

test('help names every command, and an unknown one is corrected', async () => {
  const help = await cli.run(['--help']);
  for (const command of [
    'demo',
    'dev',
    'ingest',
    'status',
    'source',
    'tags',
    'tenant',
    'worker',
    'migrate',
    'setup',
    'doctor',
  ])
    expect(help.stdout).toMatch(new RegExp(`ocp-pipeline ${command}\\b`));
  const wrong = await cli.run(['ingets']);
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.stderr).toContain('Did you mean ingest?');
});
