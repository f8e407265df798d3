import { WorkflowFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { beforeAll, describe, expect, test } from 'vitest';
import type { OpenFailure } from '../../domain/run/decision.ts';
import { reportKinds, stagingTableOf } from '../../domain/reports/report-kind.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { openFailuresQuery, resolveFailureUpdate } from '../../workflows/messages.ts';
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
import { waitUntil } from '../support/wait-until.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let fullDay: Payload;
let threeDays: Payload;
let fullDayAlone: Tables;
let threeDaysAlone: Tables;

const day = (number: number) => `2026-10-0${number} 00:00`;
const additive = (payload: Payload) => withManifest(payload, { daily_reports: false });

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  fullDay = await readPayload('nise-full_day1');
  threeDays = await readPayload('nise-small');
  fullDayAlone = await tablesAfter('full-day-alone', [fullDay]);
  threeDaysAlone = await tablesAfter('three-days-alone', [threeDays]);
});

async function send(clusterId: string, payload: Payload, again = false) {
  const archive = await folder.pack(withManifest(payload, { cluster_id: clusterId }));
  return pipeline.ingest(archive, { again });
}

async function tablesAfter(clusterId: string, payloads: readonly Payload[]): Promise<Tables> {
  const source = await pipeline.addSource(clusterId);
  for (const payload of payloads) await send(clusterId, payload);
  return snapshotTables(pipeline.database, source);
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

/** What the sweep leaves behind: no line items of October, for any source, and a ledger that says so. */
async function sweepOctober(): Promise<void> {
  const { pool, schema } = pipeline.database;
  await inTenantTransaction(pool, schema, async (client) => {
    await client.query(
      `update ocp_piece set state = 'swept', staged_checksum = null
       where state = 'staged' and usage_day between '2026-10-01' and '2026-10-31'`,
    );
    for (const kind of reportKinds)
      await client.query(`drop table if exists ${stagingTableOf(kind)}_2026_10`);
  });
}

/** Kinds and days of a source's pieces in a state. */
async function piecesIn(sourceUuid: string, state: string): Promise<string[]> {
  const rows = await query<{ piece: string }>(
    `select distinct concat_ws(' ', usage_day, report_kind) as piece from ocp_piece
     where source_uuid = $1 and state = $2 order by 1`,
    [sourceUuid, state],
  );
  return rows.map((row) => row.piece);
}

describe('a day that was swept', () => {
  test('is built from all its hours when an additive payload brings one hour late', async () => {
    const source = await pipeline.addSource('late-hour');
    await send('late-hour', additive(between(fullDay, day(1), '2026-10-01 23:00')));
    await sweepOctober();
    await send('late-hour', additive(between(fullDay, '2026-10-01 23:00', day(2))));
    expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
    expect(await dayVersions(pipeline.database, source)).toEqual({ '2026-10-01': 2 });
  });

  test('is replaced by a daily payload with more hours, and what that replaces is not loaded again', async () => {
    const source = await pipeline.addSource('more-hours');
    await send('more-hours', await readPayload('nise-partial_12h_day1'));
    await sweepOctober();
    const swept = await piecesIn(source, 'swept');
    await send('more-hours', fullDay);
    expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
    expect(swept).toHaveLength(reportKinds.length);
    expect(await piecesIn(source, 'swept')).toEqual(swept);
  });

  test('keeps its virtual machines when a new day comes, and no line item of it is loaded again', async () => {
    const source = await pipeline.addSource('new-day');
    await send('new-day', between(threeDays, day(1), day(3)));
    await sweepOctober();
    const swept = await piecesIn(source, 'swept');
    await send('new-day', between(threeDays, day(3), day(4)));
    const tables = await snapshotTables(pipeline.database, source);
    expect(tables.get('reporting_ocp_vm_summary_p')?.length).toBeGreaterThan(0);
    expectSameTables(tables, threeDaysAlone);
    expect(await piecesIn(source, 'swept')).toEqual(swept);
  });
});

describe('an older, shorter payload that is replayed by hand', () => {
  test('changes nothing, before the sweep and after it', async () => {
    const source = await pipeline.addSource('replayed');
    const halfDay = await readPayload('nise-partial_12h_day1');
    await send('replayed', halfDay);
    await send('replayed', fullDay);
    const versions = await dayVersions(pipeline.database, source);
    for (const prepare of [() => Promise.resolve(), sweepOctober]) {
      await prepare();
      expect(await send('replayed', halfDay, true)).toMatchObject({
        outcome: 'completed',
        rowsLoaded: 0,
        daysSummarised: 0,
      });
      expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
      expect(await dayVersions(pipeline.database, source)).toEqual(versions);
    }
  });
});

describe('a live piece whose object is gone from the archive', () => {
  test('stops the run and leaves the tables as they were; a replay of its payload mends it', async () => {
    const source = await pipeline.addSource('object-gone');
    const until23 = additive(between(fullDay, day(1), '2026-10-01 23:00'));
    const lastHour = additive(between(fullDay, '2026-10-01 23:00', day(2)));
    await send('object-gone', until23);
    const before = await snapshotTables(pipeline.database, source);
    await sweepOctober();
    const objects = await query<{ object_key: string }>(
      `select object_key from ocp_piece where source_uuid = $1 and report_kind = 'pod_usage'`,
      [source],
    );
    expect(objects).toHaveLength(1);
    for (const { object_key } of objects) await pipeline.objectStore.delete(object_key);

    const archive = await folder.pack(withManifest(lastHour, { cluster_id: 'object-gone' }));
    const { handle } = await pipeline.start({ payload: archive });
    let open: OpenFailure[] = [];
    await waitUntil(async () => (open = await handle.query(openFailuresQuery)).length > 0);
    expect(open).toMatchObject([{ step: 'loadReportDay', errorType: 'ObjectMissing' }]);
    expect(open[0]?.message).toContain(objects[0]?.object_key);
    expectSameTables(await snapshotTables(pipeline.database, source), before);

    const { failureId = '' } = open[0] ?? {};
    await handle.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'abandon' }] });
    const failure = (await handle.result().catch((error: unknown) => error)) as WorkflowFailedError;
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure.cause as ApplicationFailure).type).toBe('ObjectMissing');
    expectSameTables(await snapshotTables(pipeline.database, source), before);

    await send('object-gone', until23, true);
    await send('object-gone', lastHour, true);
    expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
  });
});

describe.each([
  ['in staging', () => Promise.resolve()],
  ['swept', sweepOctober],
])('a manifest that is sent again with other contents and fewer days, its line items %s', (when, prepare) => {
  /** days 1 and 2, then day 1 alone with other numbers; the same uuid and file names */
  function bothVersions(): [Payload, Payload] {
    const first = between(threeDays, day(1), day(3));
    const uuid = first.manifest['uuid'];
    const shorter = scaled(between(threeDays, day(1), day(2)), 'pod_usage_cpu_core_seconds', 2);
    return [first, withManifest(shorter, { uuid })];
  }

  test('is summarised as if it had come like that, and the rows of the lost day leave staging', async () => {
    const clusterId = `fewer days ${when}`;
    const source = await pipeline.addSource(clusterId);
    const [first, second] = bothVersions();
    await send(clusterId, first);
    await prepare();
    await send(clusterId, second);
    const clean = await tablesAfter(`clean ${when}`, [anotherManifest(second, {})]);
    expectSameTables(await snapshotTables(pipeline.database, source), clean);
    expect(await piecesIn(source, 'abandoned')).toEqual(
      reportKinds.map((kind) => `2026-10-02 ${kind}`).sort(),
    );
    for (const kind of reportKinds)
      expect(
        await query(
          `select 1 from ${stagingTableOf(kind)} where source_uuid = $1 and interval_start >= '2026-10-02T00:00:00Z'`,
          [source],
        ),
        kind,
      ).toEqual([]);
  });

  test('leaves the lost day to the payload that it had replaced there', async () => {
    const clusterId = `taken over ${when}`;
    const source = await pipeline.addSource(clusterId);
    const [first, second] = bothVersions();
    const halfOfSecondDay = between(threeDays, day(2), '2026-10-02 12:00');
    await send(clusterId, halfOfSecondDay);
    await send(clusterId, first);
    await prepare();
    await send(clusterId, second);
    const clean = await tablesAfter(`clean, taken over ${when}`, [
      halfOfSecondDay,
      anotherManifest(second, {}),
    ]);
    expectSameTables(await snapshotTables(pipeline.database, source), clean);
  });
});
