import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { PayloadOptions } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
/** 1 October until 12:00, from one daily payload */
let halfDay: Tables;

const payloadOf = (from: string, until: string, options: PayloadOptions = {}): Payload =>
  buildPayload(rowsOf(steadyCluster, hoursBetween(from, until)), options);

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  halfDay = await tablesAfter('half-day', [payloadOf('2026-10-01 00:00', '2026-10-01 12:00')]);
});

async function archiveOf(clusterId: string, payload: Payload): Promise<string> {
  return folder.pack(withManifest(payload, { cluster_id: clusterId }));
}

async function tablesAfter(clusterId: string, payloads: readonly Payload[]): Promise<Tables> {
  const source = await pipeline.addSource(clusterId);
  for (const payload of payloads) await pipeline.ingest(await archiveOf(clusterId, payload));
  return snapshotTables(pipeline.database, source);
}

const morning = (options: PayloadOptions) => payloadOf('2026-10-01 00:00', '2026-10-01 05:00', options);
const noon = (options: PayloadOptions) => payloadOf('2026-10-01 05:00', '2026-10-01 12:00', options);

describe.each([
  ['with a version', { dailyReports: false }],
  ['without a version', { dailyReports: false, version: '' }],
])('payloads that are not daily, %s', (name, options) => {
  const cluster = (purpose: string) => `${purpose} ${name}`;

  test.concurrent('with different hours of a day add up, in either order', async () => {
    const parts = [morning(options), noon(options)];
    expectSameTables(await tablesAfter(cluster('in order'), parts), halfDay);
    expectSameTables(await tablesAfter(cluster('backwards'), parts.toReversed()), halfDay);
  });

  test.concurrent('add up when they arrive at the same time', async () => {
    const source = await pipeline.addSource(cluster('at once'));
    const archives = await Promise.all(
      [morning(options), noon(options)].map((payload) => archiveOf(cluster('at once'), payload)),
    );
    await Promise.all(archives.map((archive) => pipeline.ingest(archive)));
    expectSameTables(await snapshotTables(pipeline.database, source), halfDay);
  });

  test.concurrent('are not added twice when one is run again or comes under another request', async () => {
    const source = await pipeline.addSource(cluster('again'));
    const first = await archiveOf(cluster('again'), morning(options));
    await pipeline.ingest(first);
    await pipeline.ingest(await archiveOf(cluster('again'), noon(options)));
    const versions = await dayVersions(pipeline.database, source);
    expect(await pipeline.ingest(first, { again: true })).toMatchObject({ rowsLoaded: 0, daysSummarised: 0 });
    expect(
      await pipeline.ingest(first, { requestId: cluster('other').replaceAll(/[^\w-]/g, '-') }),
    ).toMatchObject({ rowsLoaded: 0 });
    expectSameTables(await snapshotTables(pipeline.database, source), halfDay);
    expect(await dayVersions(pipeline.database, source)).toEqual(versions);
  });

  test.concurrent('of the last hours of a month count in that month, whatever their date', async () => {
    const late = payloadOf('2026-10-31 22:00', '2026-11-01 00:00', {
      ...options,
      date: '2026-11-01T00:30:00Z',
    });
    const daily = payloadOf('2026-10-31 22:00', '2026-11-01 00:00');
    const found = await tablesAfter(cluster('late'), [late]);
    expectSameTables(found, await tablesAfter(cluster('late daily'), [daily]));
    const periods = found.get('reporting_ocpusagereportperiod') ?? [];
    expect(periods).toHaveLength(1);
    expect(periods[0]?.key).toContain('2026-10-01');
  });

  test.concurrent('give way to a daily payload in the hours that it has, whichever comes last', async () => {
    const daily = payloadOf('2026-10-01 00:00', '2026-10-01 12:00');
    const parts = [morning(options), payloadOf('2026-10-01 05:00', '2026-10-01 20:00', options)];
    // 0 to 12 from the daily payload, 12 to 20 from the second of the others.
    const until20 = await tablesAfter(cluster('until 20'), [
      payloadOf('2026-10-01 00:00', '2026-10-01 20:00'),
    ]);
    expectSameTables(await tablesAfter(cluster('daily last'), [...parts, daily]), until20);
    expectSameTables(await tablesAfter(cluster('daily first'), [daily, ...parts]), until20);
  });
});

test('a daily payload takes the place of additive pieces only for the kinds and days that it has', async () => {
  const clusterId = 'some kinds';
  const source = await pipeline.addSource(clusterId);
  const rows = rowsOf(steadyCluster, hoursBetween('2026-10-01 20:00', '2026-10-02 04:00'));
  await pipeline.ingest(await archiveOf(clusterId, buildPayload(rows, { dailyReports: false })));
  const pods = (rows.pod_usage ?? []).filter((row) => row.hour >= '2026-10-02');
  await pipeline.ingest(await archiveOf(clusterId, buildPayload({ pod_usage: pods })));

  const { pool, schema } = pipeline.database;
  const live = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ piece: string }>(
      `select concat_ws(' ', piece.usage_day, piece.report_kind) as piece
       from ocp_piece as piece
       join ocp_manifest as manifest using (manifest_id)
       where piece.source_uuid = $1 and piece.generation = 'live' and manifest.daily_reports`,
      [source],
    ),
  );
  expect(live.rows).toEqual([{ piece: '2026-10-02 pod_usage' }]);
  // The daily payload holds the same pods of 2 October as the additive one, so nothing changes but where they are from.
  const whole = await tablesAfter('all kinds', [buildPayload(rows)]);
  expectSameTables(await snapshotTables(pipeline.database, source), whole);
});
