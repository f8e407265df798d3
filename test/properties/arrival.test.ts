import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { applyModel } from '../../costs/apply-model.ts';
import { readCostModel } from '../../costs/cost-model-document.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { enabledLabelKeys, generatedCluster, hoursOf, rowsOf } from '../support/generated-cluster.ts';
import { withMachines } from '../support/generated-machines.ts';
import { buildPayload, rowsBetween } from '../support/payload-builder.ts';
import type { ReportRows } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';
import { modelOf } from './all-rates.ts';

/** A failing property is made smaller before it is reported, which takes a while. */
let pipeline: TestPipeline;
let folder: ArchiveFolder;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  await setTagKeys(pipeline.database.pool, pipeline.database.schema, enabledLabelKeys, true);
});

/** Send archives of a cluster of their own with `send`. @returns its tables without those that only grow */
async function tablesAfter(send: (clusterId: string) => Promise<unknown>): Promise<Tables> {
  const clusterId = randomUUID();
  const sourceUuid = await pipeline.addSource(clusterId);
  await giveModel(sourceUuid, clusterId);
  await send(clusterId);
  const tables = new Map(await snapshotTables(pipeline.database, sourceUuid));
  const isCost = ({ key }: { key: string }) => key.includes('"cost_model_rate_type","Infrastructure"');
  expect(tables.get('reporting_ocpusagelineitem_daily_summary')?.some(isCost)).toBe(true);
  for (const name of ['reporting_ocp_projects', 'reporting_ocp_pvcs']) tables.delete(name);
  return tables;
}

/** Every form of every rate, so that machines, GPUs, labels and distribution are part of what is compared. */
async function giveModel(sourceUuid: string, clusterId: string): Promise<void> {
  const { pool, schema } = pipeline.database;
  const model = readCostModel(JSON.stringify(modelOf(`model of ${clusterId}`)), 'json', 'test');
  const sources = [{ sourceUuid, clusterId }];
  await applyModel(pool, schema, model, { source: 'test', sources, move: false });
}

async function ingest(clusterId: string, payload: Payload, only?: readonly string[]): Promise<void> {
  const archive = await folder.pack(withManifest(payload, { cluster_id: clusterId }), only);
  expect((await pipeline.ingest(archive)).outcome).toBe('completed');
}

/**
 * Daily payloads as the operator sends them during the days: each holds all hours from the first day's 00:00 until
 * then.
 */
function growingPayloads(rows: ReportRows, hours: readonly string[]): Payload[] {
  const first = hours[0] ?? '';
  const cuts = [...new Set([hours[Math.floor(hours.length / 3)], hours[Math.floor((2 * hours.length) / 3)]])];
  const parts = cuts.filter((cut) => cut !== undefined && cut > first) as string[];
  return [...parts, '2026-10-04 00:00'].map((until) => buildPayload(rowsBetween(rows, first, until)));
}

test('daily payloads give the same tables in any order, one after the other or at once', async () => {
  const property = fc.asyncProperty(generatedCluster, async (cluster) => {
    const payloads = growingPayloads(withMachines(rowsOf(cluster)), hoursOf(cluster));
    const inTurn = (order: readonly Payload[]) => async (clusterId: string) => {
      for (const payload of order) await ingest(clusterId, payload);
    };
    const whole = await tablesAfter((clusterId) =>
      ingest(clusterId, buildPayload(withMachines(rowsOf(cluster)))),
    );
    const others = await Promise.all([
      tablesAfter(inTurn(payloads)),
      tablesAfter(inTurn(payloads.toReversed())),
      tablesAfter((clusterId) => Promise.all(payloads.map((payload) => ingest(clusterId, payload)))),
    ]);
    for (const tables of others) expectSameTables(tables, whole);
  });
  await fc.assert(property, { seed: 301, numRuns: 3 });
});

test('payloads that are not daily add up to the same tables in any order', async () => {
  const property = fc.asyncProperty(generatedCluster, async (cluster) => {
    const rows = withMachines(rowsOf(cluster));
    const hours = hoursOf(cluster);
    const middle = hours[Math.floor(hours.length / 2)] ?? '';
    const parts = [rowsBetween(rows, '2026-10-01', middle), rowsBetween(rows, middle, '2026-10-04')].filter(
      (part) => (part.pod_usage ?? []).length > 0,
    );
    const payloads = parts.map((part) => buildPayload(part, { dailyReports: false }));
    const whole = await tablesAfter((clusterId) => ingest(clusterId, buildPayload(rows)));
    const inTurn = await tablesAfter(async (clusterId) => {
      for (const payload of payloads.toReversed()) await ingest(clusterId, payload);
    });
    expectSameTables(inTurn, whole);
  });
  await fc.assert(property, { seed: 302, numRuns: 3 });
});

test('the archives that a manifest is split into give the tables of a single archive', async () => {
  const property = fc.asyncProperty(
    generatedCluster,
    fc.integer({ min: 1, max: 2 }),
    async (cluster, filesPerKind) => {
      const payload = buildPayload(withMachines(rowsOf(cluster)), { filesPerKind });
      const names = [...payload.files.keys()];
      const single = await tablesAfter((clusterId) => ingest(clusterId, payload));
      const split = await tablesAfter((clusterId) =>
        Promise.all(
          [0, 1, 2].map((archive) =>
            ingest(
              clusterId,
              payload,
              names.filter((_, index) => index % 3 === archive),
            ),
          ),
        ),
      );
      expectSameTables(split, single);
    },
  );
  await fc.assert(property, { seed: 303, numRuns: 3 });
});
