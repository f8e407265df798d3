import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { ingestWorkflowId } from '../../../domain/run/run.ts';
import type { IngestManifestResult } from '../../../domain/run/run.ts';
import { createClient } from '../../../platform/tenants/credentials.ts';
import { createArchiveFolder } from '../../support/archives.ts';
import { atEnd } from '../../support/at-end.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { serveSettings, startServe } from '../../support/serve-process.ts';
import type { ServeProcess } from '../../support/serve-process.ts';
import { expectSameTables, snapshotTables } from '../../support/tables.ts';
import type { ingestManifest } from '../../../workflows/index.ts';
import { pythonTool } from '../python-tools.ts';

const month = fileURLToPath(new URL('nise-month.yml', import.meta.url));

let pipeline: TestPipeline;
let serving: ServeProcess;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  serving = await startServe({ ...serveSettings(pipeline), TRUST_IDENTITY_HEADER_FROM: '127.0.0.1' });
});

/**
 * Have nise make reports and upload them.
 * @param login the variables by which it logs in
 * @returns the files as they were uploaded, by name
 */
async function nise(
  clusterId: string,
  until: string,
  login: Record<string, string>,
): Promise<Map<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-nise-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  // It puts every manifest under the same name there.
  const temporary = await mkdtemp(join(tmpdir(), 'ocp-nise-payload-'));
  atEnd(() => rm(temporary, { recursive: true, force: true }));
  const period = ['-s', '2026-10-01', '-e', until, '--static-report-file', month];
  const address = `${serving.url}/api/ingress/v1/upload`;
  await promisify(execFile)(
    await pythonTool('nise'),
    ['report', 'ocp', '--ocp-cluster-id', clusterId, ...period, '--insights-upload', address, '-w'],
    { cwd: directory, env: { PATH: process.env['PATH'], TMPDIR: temporary, ...login } },
  );
  const files = new Map<string, string>();
  for (const name of await readdir(directory)) files.set(name, await readFile(join(directory, name), 'utf8'));
  return files;
}

/** The results of the runs that uploads have started, by the manifest's cluster, once all have ended. */
async function uploadedRuns(clusterId: string): Promise<IngestManifestResult[]> {
  const { database, client } = pipeline;
  const { rows } = await database.pool.query<{ requestId: string }>(
    `select request_id as "requestId" from public.payload_inbox where way = 'upload' order by id`,
  );
  const ended = rows.map(({ requestId }) =>
    client.workflow.getHandle<typeof ingestManifest>(ingestWorkflowId(database.orgId, requestId)).result(),
  );
  return (await Promise.all(ended)).filter((result) => result.clusterId === clusterId);
}

test('a month that nise uploads comes to the tables that ingest of the same files comes to', async () => {
  const { database } = pipeline;
  const { orgId, pool } = database;
  const { name, secret } = await createClient(pool, { orgId, clusterId: 'from-nise' });
  const uploaded = await pipeline.addSource('from-nise');
  const byHand = await pipeline.addSource('by-hand');
  const login = { INSIGHTS_USER: name, INSIGHTS_PASSWORD: secret };
  const files = await nise('from-nise', '2026-10-31', login);
  expect(files.size).toBe(6);
  // An archive for each file, all of one manifest. Thirty days of 24 hours: two pods, and a volume, a namespace and a
  // node with a row an hour each: 720 · (2 + 1 + 1 + 1).
  const runs = await uploadedRuns('from-nise');
  expect(runs).toHaveLength(6);
  expect(new Set(runs.map(({ manifestUuid }) => manifestUuid)).size).toBe(1);
  expect(runs.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(3_600);

  const folder = await createArchiveFolder();
  const manifest = {
    uuid: '3a1c5d1e-5f0a-4e61-9d0c-0d6f2f4f9f10',
    cluster_id: 'by-hand',
    date: '2026-10-01T00:00:00.000000+00:00',
    files: [...files.keys()],
    start: '2026-10-01T00:00:00.000000+00:00',
    end: '2026-10-31T00:00:00.000000+00:00',
    version: '5.4.4',
    certified: false,
  };
  expect(await pipeline.ingest(await folder.pack({ manifest, files }))).toMatchObject({ rowCount: 3_600 });
  expectSameTables(await snapshotTables(database, uploaded), await snapshotTables(database, byHand));
});

test('nise logs in at the token endpoint, and a gateway sends its identity header', async () => {
  const { database } = pipeline;
  await pipeline.addSource('by-token');
  await pipeline.addSource('by-gateway');
  const { name, secret } = await createClient(database.pool, {
    orgId: database.orgId,
    clusterId: 'by-token',
  });
  await Promise.all([
    nise('by-token', '2026-10-02', {
      HCC_SERVICE_ACCOUNT_ID: name,
      HCC_SERVICE_ACCOUNT_SECRET: secret,
      HCC_TOKEN_URL: `${serving.url}/oauth/token`,
    }),
    nise('by-gateway', '2026-10-02', { INSIGHTS_ACCOUNT_ID: '42', INSIGHTS_ORG_ID: database.orgId }),
  ]);
  for (const cluster of ['by-token', 'by-gateway'])
    expect(await uploadedRuns(cluster), cluster).toHaveLength(6);
});
