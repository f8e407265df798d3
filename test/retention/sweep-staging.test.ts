import { beforeEach, describe, expect, test } from 'vitest';
import { stagingTableOf } from '../../domain/reports/report-kind.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createCleanUp, partitionsOf, stagingTables } from './clean-up.ts';
import type { CleanUp } from './clean-up.ts';

const pods = stagingTableOf('pod_usage');
/** Seven days after the end of September, to the millisecond, and one before that. */
const edge = '2026-10-08T00:00:00Z';
const beforeEdge = '2026-10-07T23:59:59.999Z';
const podRow = { hour: 5, label_set_id: { app: 'web' }, pod: 'p', namespace: 'n', node: 'w' };

let database: TestDatabase;
let cleanUp: CleanUp;
let source: StagedSource;

beforeEach(async () => {
  database = await createTestDatabase();
  cleanUp = await createCleanUp(database);
  source = await createStagedSource(database, '2026-09');
  await source.stage('pod_usage', '2026-09-30', [podRow]);
});

async function setPieces(assignments: string): Promise<void> {
  await source.query(`update ocp_piece set ${assignments}`);
}

async function pieces(): Promise<{ state: string; staged_checksum: string | null; processed: boolean }[]> {
  return source.query(
    'select state, staged_checksum, processed_at is not null as processed from ocp_piece order by piece_id',
  );
}

async function stagingPartitions(): Promise<string[]> {
  return (await Promise.all(stagingTables.map((table) => partitionsOf(database, table)))).flat().sort();
}

describe('the range of a partition', () => {
  test('is old when its end is exactly as long ago as staging is kept', async () => {
    await setPieces('processed_at = now()');
    expect(await cleanUp.sweep(beforeEdge)).toMatchObject({ droppedCount: 0, pinnedCount: 0 });
    expect(await stagingPartitions()).toHaveLength(6);
    expect(await cleanUp.sweep(edge)).toMatchObject({ droppedCount: 6, busyCount: 0, pinnedCount: 0 });
    expect(await stagingPartitions()).toEqual([]);
    expect(await pieces()).toEqual([{ state: 'swept', staged_checksum: null, processed: true }]);
  });

  test('is kept for the days that the input says', async () => {
    await setPieces('processed_at = now()');
    expect(await cleanUp.sweep(edge, { retentionDays: 8 })).toMatchObject({ droppedCount: 0 });
    expect(await cleanUp.sweep(beforeEdge, { retentionDays: 6 })).toMatchObject({ droppedCount: 6 });
  });

  test('goes by the time of the input when no clock is fixed, and never by one that is none', async () => {
    await setPieces('processed_at = now()');
    const withoutClock = '';
    expect(await cleanUp.sweep(withoutClock, { nowIso: beforeEdge })).toMatchObject({ droppedCount: 0 });
    expect(await cleanUp.sweep(beforeEdge, { nowIso: edge })).toMatchObject({ droppedCount: 0 });
    await expect(cleanUp.sweep(withoutClock, { nowIso: 'soon' })).rejects.toThrow('found "soon"');
    await expect(cleanUp.sweep(edge, { retentionDays: -30 })).rejects.toThrow('found -30');
    expect(await cleanUp.sweep(withoutClock, { nowIso: edge })).toMatchObject({ droppedCount: 6 });
  });

  test('decides, and the name does not', async () => {
    await setPieces('processed_at = now()');
    await source.query(`alter table ${pods}_2026_09 rename to "Misnamed 2031_01"`);
    await source.query(
      `create table ${pods}_2020_01 partition of ${pods} for values from ('2026-10-01 00:00+00') to ('2026-11-01 00:00+00')`,
    );
    await source.query(
      `create table quarter partition of ${pods} for values from ('2026-06-01 00:00+00') to ('2026-09-01 00:00+00')`,
    );
    await source.query(
      `create table ancient partition of ${pods} for values from (minvalue) to ('2026-06-01 00:00+00')`,
    );
    await source.query(
      `create table endless partition of ${pods} for values from ('2026-11-01 00:00+00') to (maxvalue)`,
    );
    const result = await cleanUp.sweep(edge);
    expect(result.dropped).toEqual(expect.arrayContaining(['Misnamed 2031_01', 'quarter', 'ancient']));
    expect(await partitionsOf(database, pods)).toEqual(['endless', `${pods}_2020_01`]);
  });

  test('that ends within a day is left alone', async () => {
    await source.query(
      `create table halves partition of ${pods} for values from ('2026-08-01 00:00+00') to ('2026-08-10 12:00+00')`,
    );
    expect(await cleanUp.sweep(edge)).toMatchObject({ unalignedCount: 1 });
    expect(await partitionsOf(database, pods)).toContain('halves');
  });
});

describe('pieces in an old partition', () => {
  test('pin it while one is live and not summarised', async () => {
    const result = await cleanUp.sweep(edge);
    expect(result).toMatchObject({ droppedCount: 5, pinnedCount: 1, pinned: [`${pods}_2026_09`] });
    expect(await stagingPartitions()).toEqual([`${pods}_2026_09`]);
    expect(await source.query(`select pod from ${pods}`)).toEqual([{ pod: 'p' }]);
    expect(await pieces()).toMatchObject([{ state: 'staged' }]);
  });

  test.each([
    ['a failed piece', `state = 'failed', live_hours = null`, 'failed'],
    ['an abandoned piece', `state = 'abandoned', live_hours = 0`, 'abandoned'],
    ['a superseded piece', `live_hours = 0`, 'swept'],
  ])('do not pin it: %s', async (_what, assignments, stateAfterwards) => {
    await setPieces(assignments);
    expect(await cleanUp.sweep(edge)).toMatchObject({ droppedCount: 6, pinnedCount: 0 });
    expect(await pieces()).toEqual([{ state: stateAfterwards, staged_checksum: null, processed: false }]);
  });

  test('pin it when they are new and nobody has judged them, but not for ever', async () => {
    await setPieces('live_hours = null');
    expect(await cleanUp.sweep(edge)).toMatchObject({ pinnedCount: 1 });
    // The run was terminated a week ago: its rows are orphans, its daily CSVs are not.
    await source.query(`update ocp_file set updated_at = now() - interval '8 days'`);
    expect(await cleanUp.sweep(edge)).toMatchObject({ droppedCount: 1, pinnedCount: 0 });
  });

  test('pin it when they have other content than their summary', async () => {
    await setPieces(`processed_at = null, state = 'registered', checksum = 'newer'`);
    expect(await cleanUp.sweep(edge)).toMatchObject({ pinnedCount: 1 });
    expect(await pieces()).toMatchObject([{ state: 'registered' }]);
  });
});

describe('a partition that is in use', () => {
  test('by a reader is reported, and swept the next time', async () => {
    await setPieces('processed_at = now()');
    const reader = await database.pool.connect();
    await reader.query('begin');
    await reader.query(`select count(*) from ${database.schema}.${pods}`);
    const held = await cleanUp.sweep(edge);
    expect(held).toMatchObject({ droppedCount: 5, busyCount: 1, busy: [`${pods}_2026_09`] });
    expect(await pieces()).toMatchObject([{ state: 'staged' }]);
    await reader.query('rollback');
    reader.release();
    expect(await cleanUp.sweep(edge)).toMatchObject({ droppedCount: 1, busyCount: 0 });
  });

  test('by a load that has its ledger row and not yet the table is reported', async () => {
    await setPieces('processed_at = now()');
    const load = await database.pool.connect();
    await load.query('begin');
    await load.query(`select from ${database.schema}.ocp_piece for update`);
    expect(await cleanUp.sweep(edge)).toMatchObject({ droppedCount: 5, busyCount: 1 });
    await load.query('rollback');
    load.release();
    expect(await cleanUp.sweep(edge)).toMatchObject({ droppedCount: 1, busyCount: 0 });
  });
});

test('a piece that comes while the sweep waits for the table pins the partition', async () => {
  await setPieces('processed_at = now()');
  const reader = await database.pool.connect();
  await reader.query('begin');
  await reader.query(`lock table ${database.schema}.${pods} in access share mode`);
  const sweep = cleanUp.sweep(edge);
  await waitUntil(async () => {
    const { rows } = await database.pool.query(
      `select from pg_locks
       where relation = ($1 || '.' || $2)::regclass and mode = 'AccessExclusiveLock' and not granted`,
      [database.schema, pods],
    );
    return rows.length === 1;
  });
  await setPieces('processed_at = null');
  await reader.query('rollback');
  reader.release();
  expect(await sweep).toMatchObject({ droppedCount: 5, pinnedCount: 1, busyCount: 0 });
  expect(await source.query(`select pod from ${pods}`)).toEqual([{ pod: 'p' }]);
});

test('two sweeps at once drop each partition once', async () => {
  await setPieces('processed_at = now()');
  const results = await Promise.all([cleanUp.sweep(edge), cleanUp.sweep(edge)]);
  const outcomes = results.map(({ droppedCount, busyCount }) => ({ droppedCount, busyCount }));
  expect(outcomes.reduce((sum, { droppedCount }) => sum + droppedCount, 0)).toBe(6);
  expect(outcomes.every(({ busyCount }) => busyCount === 0)).toBe(true);
  expect(await stagingPartitions()).toEqual([]);
});

test('inside a month that goes on rows go of days that are over and pieces that nobody needs any more', async () => {
  // Swept on the 20th with a week of retention: what is older than the 13th, 02:30.
  const now = '2026-09-20T02:30:00Z';
  const old = `'2026-09-13 02:29Z'`;
  for (const day of ['2026-09-01', '2026-09-02', '2026-09-03', '2026-09-12', '2026-09-13'])
    await source.stage('pod_usage', day, [podRow, { ...podRow, hour: 6 }]);
  const set = (day: string, assignments: string) =>
    source.query(`update ocp_piece set ${assignments} where usage_day = $1`, [day]);
  await setPieces(`processed_at = ${old}, staged_at = ${old}`);
  await set('2026-09-01', `processed_at = '2026-09-13 02:31Z'`);
  await set('2026-09-02', 'processed_at = null');
  await set('2026-09-03', 'processed_at = null, live_hours = 0');
  const rowsOf = () =>
    source.query(
      `select (interval_start at time zone 'UTC')::date::text as day, count(*)::integer as rows from ${pods} group by 1 order by 1`,
    );

  expect(await cleanUp.sweep(now)).toMatchObject({ droppedCount: 0, sweptPieceCount: 2 });
  // Stay: the 1st, summarised lately; the 2nd, not summarised; the 13th, whose day is not old; the 30th likewise.
  const left = [
    { day: '2026-09-01', rows: 2 },
    { day: '2026-09-02', rows: 2 },
    { day: '2026-09-13', rows: 2 },
    { day: '2026-09-30', rows: 1 },
  ];
  expect(await rowsOf()).toEqual(left);
  expect(
    await source.query(
      `select usage_day::text as day, staged_checksum from ocp_piece where state = 'swept' order by usage_day`,
    ),
  ).toEqual([
    { day: '2026-09-03', staged_checksum: null },
    { day: '2026-09-12', staged_checksum: null },
  ]);
  expect(await cleanUp.sweep(now)).toMatchObject({ sweptPieceCount: 0 });
  expect(await rowsOf()).toEqual(left);
});
