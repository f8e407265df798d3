import { beforeAll, describe, expect, test } from 'vitest';
import {
  anotherManifest,
  between,
  createArchiveFolder,
  readPayload,
  scaled,
  withManifest,
} from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import type { Tables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
/** day 1 until 12:00, and whole; days 1 to 3 */
let halfDay: Payload;
let fullDay: Payload;
let threeDays: Payload;
let fullDayAlone: Tables;
let threeDaysAlone: Tables;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  halfDay = await readPayload('nise-partial_12h_day1');
  fullDay = await readPayload('nise-full_day1');
  threeDays = await readPayload('nise-small');
  fullDayAlone = await tablesAfter('full-day-alone', [fullDay]);
  threeDaysAlone = await tablesAfter('three-days-alone', [threeDays]);
});

async function send(clusterId: string, payload: Payload) {
  return pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: clusterId })));
}

/** Register a cluster, send payloads one after the other. @returns its tables */
async function tablesAfter(clusterId: string, payloads: readonly Payload[]): Promise<Tables> {
  const source = await pipeline.addSource(clusterId);
  for (const payload of payloads) await send(clusterId, payload);
  return snapshotTables(pipeline.database, source);
}

describe('one day in two payloads', () => {
  test.concurrent('half a day, then the whole day, is the whole day', async () => {
    const source = await pipeline.addSource('growing');
    await send('growing', halfDay);
    const half = await snapshotTables(pipeline.database, source);
    expect(() => expectSameTables(half, fullDayAlone)).toThrow();
    await send('growing', fullDay);
    expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
    expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-01': 2 });
  });

  test.concurrent('half a day that comes after the whole day changes nothing', async () => {
    expectSameTables(await tablesAfter('shrinking', [fullDay, halfDay]), fullDayAlone);
  });

  test.concurrent('an old, shorter payload that is replayed by hand changes nothing', async () => {
    const source = await pipeline.addSource('replayed');
    const old = await folder.pack(withManifest(halfDay, { cluster_id: 'replayed' }));
    await pipeline.ingest(old);
    await send('replayed', fullDay);
    const before = await dayVersions(pipeline.database, source);
    expect(await pipeline.ingest(old, { again: true })).toMatchObject({
      outcome: 'completed',
      daysSummarised: 0,
    });
    expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
    expect(await dayVersions(pipeline.database, source)).toEqual(before);
  });

  test.concurrent(
    'of two payloads with the same hours the one with the later date wins, whichever comes last',
    async () => {
      const corrected = anotherManifest(scaled(fullDay, 'pod_usage_cpu_core_seconds', 3), {
        date: '2026-10-02T05:00:00Z',
      });
      const alone = await tablesAfter('corrected-alone', [corrected]);
      expect(podUsage(alone)).toBeCloseTo(3 * podUsage(fullDayAlone), 6);
      expectSameTables(await tablesAfter('corrected-last', [fullDay, corrected]), alone);
      expectSameTables(await tablesAfter('corrected-first', [corrected, fullDay]), alone);
    },
  );
});

/** CPU usage of pods, core-hours; unallocated rows hold what is left of the capacity and are not counted. */
function podUsage(tables: Tables): number {
  const pods = (tables.get('reporting_ocp_pod_summary_by_project_p') ?? []).filter(
    (row) => !row.key.includes(' unallocated'),
  );
  return pods.reduce((sum, row) => sum + (row.numbers.get('pod_usage_cpu_core_hours') ?? 0), 0);
}

describe('several days', () => {
  const day = (number: number) => `2026-10-0${number} 00:00`;
  const dated = (payload: Payload, date: string) => withManifest(payload, { date });

  test.concurrent(
    'days 1 to 2, then days 1 to 3, adds the third day and leaves the others alone',
    async () => {
      const source = await pipeline.addSource('longer');
      await send('longer', dated(between(threeDays, day(1), day(3)), '2026-10-03T01:00:00Z'));
      expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-01': 1, '2026-10-02': 1 });
      const second = await send('longer', anotherManifest(threeDays, { date: '2026-10-04T01:00:00Z' }));
      expect(second.daysSummarised).toBe(1);
      expect(await dayVersions(pipeline.database, source)).toEqual({
        '2026-10-01': 1,
        '2026-10-02': 1,
        '2026-10-03': 1,
      });
      expectSameTables(await snapshotTables(pipeline.database, source), threeDaysAlone);
    },
  );

  test.concurrent('three payloads of a day each add up to the payload of three days', async () => {
    const days = [1, 2, 3].map((number) => between(threeDays, day(number), day(number + 1)));
    expectSameTables(await tablesAfter('day-by-day', days), threeDaysAlone);
  });

  test.concurrent('payloads that are not daily add up within a day', async () => {
    const hours = [
      ['2026-10-01 00:00', '2026-10-01 06:00'],
      ['2026-10-01 06:00', '2026-10-01 18:00'],
      ['2026-10-01 18:00', '2026-10-02 00:00'],
    ] as const;
    const windows = hours.map(([from, until]) =>
      withManifest(between(fullDay, from, until), { daily_reports: false }),
    );
    expectSameTables(await tablesAfter('windows', windows), fullDayAlone);
  });

  test.concurrent('three payloads at the same time give the same tables in any order', async () => {
    const first = dated(between(threeDays, day(1), '2026-10-01 12:00'), '2026-10-01T12:30:00Z');
    const second = dated(between(threeDays, day(1), '2026-10-02 18:00'), '2026-10-02T18:30:00Z');
    const third = anotherManifest(threeDays, { date: '2026-10-04T00:30:00Z' });
    const orders = [
      [first, second, third],
      [third, first, second],
      [second, third, first],
    ];
    await Promise.all(
      orders.map(async (payloads, index) => {
        const clusterId = `burst-${index}`;
        const source = await pipeline.addSource(clusterId);
        const results = await Promise.all(payloads.map((payload) => send(clusterId, payload)));
        expect(results.map((result) => result.outcome)).toEqual(Array(3).fill('completed'));
        expectSameTables(await snapshotTables(pipeline.database, source), threeDaysAlone);
      }),
    );
  });
});
