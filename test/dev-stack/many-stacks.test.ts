import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import { program } from '../support/program-process.ts';

const stackCount = 3;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocp-pipeline-stacks-'));
  // PostgreSQL may run as user postgres, which must be able to pass through.
  await chmod(scratch, 0o755);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Run a command on the embedded stack of one data directory. */
function run(dataDirectory: string, args: readonly string[]): Promise<Ended> {
  const configured = { DATABASE_URL: undefined, OBJECT_STORE: undefined, TEMPORAL_ADDRESS: undefined };
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...configured, OCP_DATA_DIR: dataDirectory, OCP_NOW: '2026-11-05T12:00:00Z' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

test('stacks that start together each ingest their own payload and see nothing of the others', async () => {
  const folder = await createArchiveFolder();
  const sample = await readPayload('operator-sample');
  const stacks = await Promise.all(
    Array.from({ length: stackCount }, async (_, index) => {
      const uuid = randomUUID();
      const payload = await folder.pack(withManifest(sample, { uuid, cluster_id: `cluster-${index}` }));
      return { uuid, payload, directory: join(scratch, `stack-${index}`) };
    }),
  );
  const ends = await Promise.all(
    stacks.map(({ directory, payload }) =>
      run(directory, ['ingest', payload, '--org', '1', '--register', '--json']),
    ),
  );
  for (const [index, { code, stdout, stderr }] of ends.entries()) {
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { outcome: 'completed', result: { manifestUuid: stacks[index]?.uuid, rowCount: 20 } },
    ]);
  }
  for (const { directory, uuid } of stacks) {
    const { stdout } = await run(directory, ['status', '--json']);
    const { manifests } = JSON.parse(stdout) as { manifests: { manifestUuid: string }[] };
    expect(manifests.map(({ manifestUuid }) => manifestUuid)).toEqual([uuid]);
  }
});
