import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { enterInbox } from '../../payload/inbox.ts';
import { payloadKey } from '../../platform/object-store/object-keys.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { packPayload, withManifest } from '../support/archives.ts';
import type { Payload } from '../support/archives.ts';
import { createTestDatabase } from '../support/database.ts';
import { buildPayload } from '../support/payload-builder.ts';

/** Run an activity as a worker does, without Temporal around it. */
const run = <Input, Result>(activity: (input: Input) => Promise<Result>, input: Input): Promise<Result> =>
  new MockActivityEnvironment().run<[Input], Result, typeof activity>(activity, input);
const month = billingMonth('2026-10');

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

/** The steps of a run up to the daily summary, on a database and a cluster of the test's own. */
async function pipeline() {
  const database = await createTestDatabase();
  const { pool, schema, orgId, url } = database;
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-failed-files-'));
  directories.push(directory);
  const objectStore = openObjectStore({ url: pathToFileURL(directory).href });
  const config = loadConfig({ OCP_NOW: '2026-10-20T00:00:00Z', OCP_RULES: 'koku' });
  const activities = createActivities({ pool, databaseUrl: url, objectStore, config, now: clock(config) });
  const clusterId = randomUUID();
  const { sourceUuid } = await registerSource(
    { pool, databaseUrl: url, log: { info: () => undefined } },
    { orgId, clusterId, name: 'c' },
  );
  const send = async (payload: Payload) => {
    const requestId = randomUUID();
    const objectKey = payloadKey(orgId, requestId);
    await objectStore.put(
      objectKey,
      Readable.from([await packPayload(withManifest(payload, { cluster_id: clusterId }))]),
    );
    const { id: inboxId } = await enterInbox(pool, {
      orgId,
      requestId,
      way: 'command',
      origin: 'file',
      awaitsStart: false,
      objectKey,
    });
    const d = await run(activities.downloadPayload, { inboxId });
    if (d.outcome === 'ignored') throw new Error(d.reason);
    const split = await run(activities.splitPayload, { inboxId, payload: d.payload });
    await run(activities.ensurePartitions, { schema, months: [month] });
    const { pieceIds } = await run(activities.pendingPieces, {
      schema,
      manifestId: split.manifestId,
      requestId,
    });
    for (const pieceId of pieceIds) await run(activities.loadReportDay, { schema, pieceId });
    await run(activities.completeManifest, { schema, manifestId: split.manifestId, giveUpWaiting: false });
    await run(activities.aggregateDays, { schema, sourceUuid, month });
    return { split };
  };
  const query = <R extends object>(text: string, values: unknown[] = []) =>
    inTenantTransaction(pool, schema, async (c) => (await c.query<R>(text, values)).rows);
  const days = () =>
    query<{ d: string; h: number }>(
      `select usage_start as d, sum(pod_usage_cpu_core_hours)::float8 as h from reporting_ocpusagelineitem_daily_summary
     where namespace = 'shop' group by 1 order by 1`,
    );
  return { send, query, days, activities, schema, pool, sourceUuid };
}
/** One pod that used one core for an hour. */
const row = (hour: string, extra: Record<string, string | number> = {}) => ({
  hour,
  pod: 'web',
  namespace: 'shop',
  node: 'w1',
  resource_id: 'i',
  pod_usage_cpu_core_seconds: 3600,
  node_capacity_cpu_cores: 4,
  node_capacity_cpu_core_seconds: 14400,
  ...extra,
});
/** More bad rows than a file may have. */
const bad = Array.from({ length: 150 }, () => row('2026-10-01 05:00', { pod_usage_cpu_core_seconds: 'x' }));

test('a re-sent file that fails keeps the days it no longer shows', async () => {
  const p = await pipeline();
  const uuid = randomUUID();
  await p.send(buildPayload({ pod_usage: [row('2026-10-01 00:00'), row('2026-10-02 00:00')] }, { uuid }));
  expect(await p.days()).toEqual([
    { d: '2026-10-01', h: 1 },
    { d: '2026-10-02', h: 1 },
  ]);
  const again = await p.send(buildPayload({ pod_usage: [row('2026-10-01 00:00'), ...bad] }, { uuid }));
  expect(again.split.failedFileCount).toBe(1);
  expect(await p.days()).toEqual([
    { d: '2026-10-01', h: 1 },
    { d: '2026-10-02', h: 1 },
  ]);
});

test('a re-sent file that fails does not bring back an older payload', async () => {
  const p = await pipeline();
  const uuid = randomUUID();
  await p.send(buildPayload({ pod_usage: [row('2026-10-01 00:00')] }));
  const two = [row('2026-10-01 00:00'), row('2026-10-01 01:00')];
  await p.send(buildPayload({ pod_usage: two }, { uuid }));
  expect(await p.days()).toEqual([{ d: '2026-10-01', h: 2 }]);
  await p.send(buildPayload({ pod_usage: [...two, ...bad] }, { uuid }));
  expect(await p.days()).toEqual([{ d: '2026-10-01', h: 2 }]);
});

test('the same data under another uuid does not pin the partition', async () => {
  const p = await pipeline();
  const rows = { pod_usage: [row('2026-10-01 00:00')] };
  await p.send(buildPayload(rows, { date: '2026-10-01T01:00:00Z' }));
  await p.send(buildPayload(rows, { date: '2026-10-01T02:00:00Z' }));
  const live = await p.query(
    `select processed_at is not null as processed, generation from ocp_piece order by piece_id`,
  );
  expect(live).toEqual([
    { processed: true, generation: 'superseded' },
    { processed: true, generation: 'live' },
  ]);
});

test('skipping a re-sent file that failed keeps what the file brought before', async () => {
  const p = await pipeline();
  const uuid = randomUUID();
  await p.send(buildPayload({ pod_usage: [row('2026-10-01 00:00')] }, { uuid }));
  const { split } = await p.send(buildPayload({ pod_usage: [row('2026-10-01 00:00'), ...bad] }, { uuid }));
  await run(p.activities.skipFiles, { schema: p.schema, manifestId: split.manifestId });
  await p.send(buildPayload({ pod_usage: [row('2026-10-03 00:00')] }));
  expect(await p.days()).toEqual([
    { d: '2026-10-01', h: 1 },
    { d: '2026-10-03', h: 1 },
  ]);
});

test('a payload with a failed file does not replace days that this file would have had', async () => {
  const p = await pipeline();
  const a = [row('2026-10-01 00:00', { pod: 'a' }), row('2026-10-02 00:00', { pod: 'a' })];
  const b = [row('2026-10-01 00:00', { pod: 'b' }), row('2026-10-02 00:00', { pod: 'b' })];
  await p.send(buildPayload({ pod_usage: [...a, ...b] }));
  expect(await p.days()).toEqual([
    { d: '2026-10-01', h: 2 },
    { d: '2026-10-02', h: 2 },
  ]);
  const uuid = randomUUID();
  const first = buildPayload({ pod_usage: [...a.slice(0, 1), ...bad] }, { uuid });
  const second = buildPayload({ pod_usage: b }, { uuid });
  const files = new Map(first.files);
  for (const content of second.files.values()) files.set('second.csv', content);
  const manifest = { ...second.manifest, files: [...files.keys()], date: '2026-10-03T00:00:00Z' };
  const { split } = await p.send({ manifest, files });
  expect(split.failedFileCount).toBe(1);
  expect(await p.days()).toEqual([
    { d: '2026-10-01', h: 2 },
    { d: '2026-10-02', h: 2 },
  ]);
});

describe('a small re-sent day', () => {
  const day = Array.from({ length: 24 }, (_, hour) => row(`2026-10-01 ${String(hour).padStart(2, '0')}:00`));
  /** The same payload, its files changed. */
  const changed = (payload: Payload, change: (csv: string) => string): Payload => ({
    ...payload,
    files: new Map([...payload.files].map(([name, csv]) => [name, change(csv)])),
  });
  const lines = (csv: string, change: (fields: string[], index: number, header: string[]) => string[]) => {
    const [header = '', ...rows] = csv.trimEnd().split('\n');
    const names = header.split(',');
    return [header, ...rows.map((line, index) => change(line.split(','), index, names).join(','))].join('\n');
  };
  const spoilt: [what: string, change: (csv: string) => string, failure: string, message: RegExp][] = [
    [
      'of which no row is valid',
      (csv) => lines(csv, (fields) => fields.slice(0, -1)),
      'TooManyRejectedRows',
      /24 of 24 rows are invalid, no row is valid/,
    ],
    [
      'with 20 bad rows of 24',
      (csv) =>
        lines(csv, (fields, index, header) =>
          index < 4 ? fields : fields.with(header.indexOf('pod_usage_cpu_core_seconds'), '+Inf'),
        ),
      'TooManyRejectedRows',
      /20 of 24 rows are invalid, at least 10 rows and more than 20 %/,
    ],
    [
      'with a column twice',
      (csv) => csv.trimEnd().split('\n').map((line, i) => `${line},${i === 0 ? 'node' : ''}`).join('\n'),
      'ReportHeaderInvalid',
      /the header contains node twice; its days keep their previous data/,
    ],
  ]; // prettier-ignore
  test.for(spoilt)('%s fails and leaves the day as it was', async ([, change, failure, message]) => {
    const p = await pipeline();
    await p.send(buildPayload({ pod_usage: day.slice(0, 12) }, { date: '2026-10-01T12:00:00Z' }));
    const again = buildPayload({ pod_usage: day }, { date: '2026-10-02T00:00:00Z' });
    const { split } = await p.send(changed(again, change));
    expect(split).toMatchObject({ failedFileCount: 1, failure });
    expect(split.warnings[0]).toMatch(message);
    expect(await p.days()).toEqual([{ d: '2026-10-01', h: 12 }]);
  });

  test('with NaN in a column of most rows is taken whole, and counts them as blank', async () => {
    const p = await pipeline();
    await p.send(buildPayload({ pod_usage: day.slice(0, 12) }, { date: '2026-10-01T12:00:00Z' }));
    const again = day.map((one, index) => (index < 2 ? one : { ...one, pod_usage_cpu_core_seconds: 'NaN' }));
    const { split } = await p.send(buildPayload({ pod_usage: again }, { date: '2026-10-02T00:00:00Z' }));
    expect(split).toMatchObject({ failedFileCount: 0, rejectedRowCount: 0, leftOutCount: 22 });
    // Profile koku: a blank usage is 0, and two hours are left that say more.
    expect(await p.days()).toEqual([{ d: '2026-10-01', h: 2 }]);
  });
});

test('an aggregation does not wait for a load of a piece that is not its own', async () => {
  const p = await pipeline();
  await p.send(buildPayload({ pod_usage: [row('2026-10-01 00:00')] }));
  await p.query(`with m as (insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports)
      select 999, source_uuid, gen_random_uuid(), now(), true from ocp_manifest returning manifest_id),
    f as (insert into ocp_file (manifest_id, file_index, file_name, state, report_kind) select 999, 0, 'f', 'split', 'pod_usage' from m returning file_id)
    insert into ocp_piece (file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count, checksum)
    select f.file_id, 999, piece.source_uuid, report_period_id, 'pod_usage', usage_day, 'k', 0, 0, 'c' from f, ocp_piece as piece`);
  const load = await p.pool.connect();
  await load.query(`begin; set local search_path to ${p.schema}`);
  await load.query(`select 1 from ocp_piece where manifest_id = 999 for update`);
  // Were it to wait for the load, it would wait until the test gives up.
  const { outcome } = await run(p.activities.aggregateDays, {
    schema: p.schema,
    sourceUuid: p.sourceUuid,
    month,
  });
  await load.query('rollback');
  load.release();
  expect(outcome).toBe('done');
});
