import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { listValidationWarnings } from '../../summary/validation-warnings.ts';
import { createArchiveFolder, scaled, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { PayloadOptions } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';

/*
 * An operator that was upgraded, downgraded or installed again within a day: its payloads of the day are of several
 * generations, and every hour counts from one place. All of them come to the day that one daily payload would have
 * made.
 */
let pipeline: TestPipeline;
let folder: ArchiveFolder;
let whole: Tables;

/** Hours of 1 October, the second not included. */
const hours = (from: number, until: number, options: PayloadOptions = {}): Payload =>
  buildPayload(rowsOf(steadyCluster, hoursBetween(time(from), time(until))), options);
const time = (hour: number) =>
  hour === 24 ? '2026-10-02 00:00' : `2026-10-01 ${String(hour).padStart(2, '0')}:00`;
const additive: PayloadOptions = { dailyReports: false };

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  whole = (await after('whole', [hours(0, 24)])).tables;
});

async function after(clusterId: string, payloads: readonly Payload[]) {
  const sourceUuid = await pipeline.addSource(clusterId);
  for (const payload of payloads)
    await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: clusterId })));
  return { sourceUuid, tables: await snapshotTables(pipeline.database, sourceUuid) };
}

const warningsOf = async (sourceUuid: string) =>
  listValidationWarnings(pipeline.database.pool, pipeline.database.schema, { sourceUuid, limit: 100 });

describe('come to the whole day, in either order', () => {
  test.each<[string, Payload[]]>([
    ['downgraded', [hours(0, 12), hours(12, 18, additive), hours(18, 24, additive)]],
    ['upgraded', [hours(0, 6, additive), hours(6, 12, additive), hours(12, 24)]],
    ['installed again', [hours(0, 12), hours(12, 24)]],
    ['installed twice again', [hours(0, 8), hours(8, 16), hours(16, 24)]],
    ['downgraded for a while', [hours(0, 8), hours(8, 16, additive), hours(16, 24)]],
    ['daily payloads that overlap', [hours(0, 14), hours(10, 24)]],
    ['an additive payload that overlaps both', [hours(0, 8), hours(4, 20, additive), hours(16, 24)]],
    ['hours declared but not held', [hours(0, 12, { end: '2026-10-01T23:59:59Z' }), hours(12, 24, additive)]],
    [
      'kinds with different hours',
      [
        buildPayload({ pod_usage: rowsOf(steadyCluster, hoursBetween(time(0), time(24))).pod_usage ?? [] }),
        hours(0, 24, additive),
      ],
    ],
  ])('%s', async (name, payloads) => {
    for (const [order, sent] of [
      ['in turn', payloads],
      ['backwards', payloads.toReversed()],
    ] as const) {
      const { sourceUuid, tables } = await after(`${name} ${order}`, sent);
      expectSameTables(tables, whole);
      expect(await warningsOf(sourceUuid)).toEqual([]);
    }
  });
});

test('additive hours that were packed again under another uuid count once, without a warning', async () => {
  const { sourceUuid, tables } = await after('packed again', [
    hours(0, 12, additive),
    hours(12, 24, additive),
    hours(12, 24, { ...additive, date: '2026-10-03T00:00:00Z' }),
  ]);
  expectSameTables(tables, whole);
  expect(await warningsOf(sourceUuid)).toEqual([]);
});

test('additive hours with other contents both count, with a warning that says how many there are', async () => {
  const again = scaled(hours(10, 24, additive), 'pod_usage_cpu_core_seconds', 2);
  const { sourceUuid } = await after('sent twice', [hours(0, 12, additive), again]);
  const found = await warningsOf(sourceUuid);
  // Hours 10 and 11 of each kind that the cluster has.
  expect(found.filter(({ checkName }) => checkName.startsWith('hours_sent_twice'))).toContainEqual(
    expect.objectContaining({ checkName: 'hours_sent_twice_pod_usage', expected: 0, found: 2 }),
  );
});

test('the ledger says which hours of a piece count', async () => {
  const { sourceUuid } = await after('shown', [hours(0, 12), hours(6, 24, additive)]);
  const rows = await inTenantTransaction(pipeline.database.pool, pipeline.database.schema, (client) =>
    client.query<{ live_hours: number; generation: string }>(
      `select live_hours, generation from ocp_piece where source_uuid = $1 and report_kind = 'pod_usage' order by piece_id`,
      [sourceUuid],
    ),
  );
  expect(rows.rows).toEqual([
    { live_hours: 0x000fff, generation: 'live' },
    { live_hours: 0xfff000, generation: 'live' },
  ]);
});
