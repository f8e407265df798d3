import { beforeAll, expect, test } from 'vitest';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { inParallel } from '../../workflows/in-parallel.ts';
import { createArchiveFolder } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { PayloadOptions, ReportRows } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { onePod } from './tiny-payloads.ts';

const tenants = Array.from({ length: 10 }, (_, index) => `80000${index}`);
const clusters = ['daily', 'additive'] as const;

/** One archive on its way. */
interface Delivery {
  orgId: string;
  requestId: string;
  path: string;
}

let deliveries: Delivery[];
let serial: TestPipeline;
let parallel: TestPipeline;
/** tenants in the order in which their runs ended */
let order: string[];

/**
 * Five manifests of a tenant in six archives: of one cluster two that compete for a day and one over two months; of the
 * other two that add up, one of them in two archives.
 */
async function manifestsOf(orgId: string, seed: number, folder: ArchiveFolder): Promise<Delivery[]> {
  const found: Delivery[] = [];
  const deliver = async (name: string, rows: ReportRows, options: PayloadOptions, archives = 1) => {
    const payload = buildPayload(rows, { ...options, filesPerKind: archives });
    const files = [...payload.files.keys()];
    for (const [index, file] of files.entries())
      found.push({ orgId, requestId: `${name}-${index}`, path: await folder.pack(payload, [file]) });
  };
  const daily = { clusterId: `daily-${orgId}` };
  const additive = { clusterId: `additive-${orgId}`, dailyReports: false };
  await deliver('early', onePod('2026-10-06', [0, 1], seed), daily);
  await deliver('late', onePod('2026-10-06', [0, 1, 2, 3], seed + 1), daily);
  const months = { pod_usage: [...podRows('2026-09-30', seed), ...podRows('2026-10-01', seed)] };
  await deliver('months', months, daily);
  await deliver('first', onePod('2026-10-06', [0, 1], seed + 2), additive);
  await deliver('second', onePod('2026-10-06', [2, 3], seed + 3), additive, 2);
  return found;
}

const podRows = (day: string, seed: number) => onePod(day, [22, 23], seed).pod_usage ?? [];

async function register(pipeline: TestPipeline): Promise<void> {
  const { pool, url } = pipeline.database;
  for (const orgId of tenants)
    for (const cluster of clusters)
      await registerSource(
        { pool, databaseUrl: url, log: { info: () => undefined } },
        { orgId, clusterId: `${cluster}-${orgId}`, name: cluster, sourceUuid: sourceOf(orgId, cluster) },
      );
}

function sourceOf(orgId: string, cluster: (typeof clusters)[number]): string {
  return `00000000-0000-4000-8000-${String(clusters.indexOf(cluster)).padStart(5, '0')}0${orgId}`;
}

async function ingest(pipeline: TestPipeline, { orgId, requestId, path }: Delivery): Promise<void> {
  const { handle } = await pipeline.start({ orgId, requestId, payload: path });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', failedFileCount: 0 });
}

beforeAll(async () => {
  const folder = await createArchiveFolder();
  deliveries = (
    await Promise.all(tenants.map((orgId, seed) => manifestsOf(orgId, 10 * seed, folder)))
  ).flat();
  // One after the other an archive whose manifest has another one waits for nobody.
  serial = await createTestPipeline({ OCP_MANIFEST_WAIT: '0s' });
  parallel = await createTestPipeline();
  await Promise.all([register(serial), register(parallel)]);
  // One after the other within a tenant; tenants share no table.
  await inParallel(tenants, 3, async (orgId) => {
    for (const delivery of deliveries) if (delivery.orgId === orgId) await ingest(serial, delivery);
  });
  await Promise.all(deliveries.map((delivery) => ingest(parallel, delivery)));
  const ended = await Promise.all(
    deliveries.map(async ({ orgId, requestId }) => {
      const { closeTime } = await parallel.client.workflow
        .getHandle(ingestWorkflowId(orgId, requestId))
        .describe();
      return { orgId, at: closeTime?.getTime() ?? 0 };
    }),
  );
  order = ended.sort((a, b) => a.at - b.at).map(({ orgId }) => orgId);
});

test.for(tenants)(
  '50 manifests at once leave tenant %s with the tables of one after the other',
  async (orgId) => {
    expect(deliveries).toHaveLength(60);
    for (const cluster of clusters) {
      const tables = async ({ database }: TestPipeline) =>
        snapshotTables({ ...database, orgId, schema: `org${orgId}` }, sourceOf(orgId, cluster));
      expectSameTables(await tables(parallel), await tables(serial));
    }
  },
);

test('what a daily cluster is charged for is the payload that covers the most hours', async () => {
  const { rows } = await parallel.database.pool.query<{ hours: number }>(
    `select sum(pod_usage_cpu_core_hours)::float8 as hours
     from org${tenants[0]}.reporting_ocpusagelineitem_daily_summary
     where source_uuid = $1 and usage_start = '2026-10-06' and namespace like 'project-%'`,
    [sourceOf(tenants[0] ?? '', 'daily')],
  );
  // Four hours of 101 core-seconds each, and nothing of the two hours of 100.
  expect(rows[0]?.hours).toBeCloseTo((4 * 101) / 3_600, 9);
});

test('no deadlock happened', async () => {
  const { rows } = await parallel.database.pool.query<{ deadlocks: number }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  expect(rows[0]?.deadlocks).toBe(0);
});

test('tenants take turns: when half of all runs are done, nearly every tenant has had one of them', () => {
  console.info(
    `fairness: tenants in the order in which runs ended: ${order.map((orgId) => orgId.slice(-1)).join(' ')}`,
  );
  // One tenant after the other would be five. Which of a tenant's own runs ends first is up to the locks of its
  // sources.
  const served = new Set(order.slice(0, order.length / 2));
  expect(served.size).toBeGreaterThanOrEqual(8);
});
