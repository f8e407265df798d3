import { beforeAll, expect, test } from 'vitest';
import { listComparisons } from '../../engines/comparison.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { between, createArchiveFolder, readPayload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { choose, rebuild } from './customer.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * A customer moves to Trino, back, and is in shadow, while payloads keep arriving: at each point the tables are those
 * of a twin that PostgreSQL alone computed from the same payloads, one after the other.
 */
/** Thirds of three days, in an order in which every wave touches every day. */
const thirds = ['00:00', '08:00', '16:00'].flatMap((from, third) =>
  ['01', '02', '03'].map((day) => {
    const next = String(Number(day) + 1).padStart(2, '0');
    return {
      from: `2026-10-${day} ${from}`,
      until: third === 2 ? `2026-10-${next} 00:00` : `2026-10-${day} ${['08:00', '16:00'][third] ?? ''}`,
    };
  }),
);
let moved: TestPipeline;
let twin: TestPipeline;
let sourceUuid: string;
let twinUuid: string;
let archives: string[];

beforeAll(async () => {
  moved = await createTestPipeline({ ...(await trinoEnvironment()) });
  twin = await createTestPipeline();
  sourceUuid = await moved.addSource('my-ocp-cluster-small', 'small-onprem');
  twinUuid = await twin.addSource('my-ocp-cluster-small', 'small-onprem');
  const folder = await createArchiveFolder();
  const threeDays = await readPayload('nise-small');
  archives = [];
  for (const { from, until } of thirds) archives.push(await folder.pack(between(threeDays, from, until)));
});

/** All at once, and meanwhile the move. */
async function loadWhile(wave: readonly string[], move: () => Promise<void>): Promise<void> {
  const runs = wave.map((archive) => moved.ingest(archive));
  await move();
  for (const result of await Promise.all(runs)) expect(result).toMatchObject({ outcome: 'completed' });
  for (const archive of wave)
    expect(await twin.ingest(archive)).toMatchObject({ outcome: 'completed', rejectedRowCount: 0 });
}

async function expectTwins(engine: string): Promise<void> {
  const { rows } = await inTenantTransaction(moved.database.pool, moved.database.schema, (client) =>
    client.query('select engine from ocp_source_month'),
  );
  expect(rows).toEqual([{ engine }]);
  expectSameTables(
    await snapshotTables(moved.database, sourceUuid),
    await snapshotTables(twin.database, twinUuid),
  );
}

test('moved to Trino in mid-month while payloads arrive', async () => {
  expect(await moved.ingest(archives[0] ?? '')).toMatchObject({ outcome: 'completed' });
  await twin.ingest(archives[0] ?? '');
  await loadWhile(archives.slice(1, 3), async () => {
    await choose(moved, ['engine', 'trino']);
    await rebuild(moved, sourceUuid);
  });
  await expectTwins('trino');
});

test('payloads of Trino, and back in shadow of it while more arrive', async () => {
  await loadWhile(archives.slice(3, 6), async () => {
    await choose(moved, ['engine', 'postgres'], ['shadow', 'trino']);
    await rebuild(moved, sourceUuid);
  });
  await expectTwins('postgres');
});

test('in shadow, and to Trino with PostgreSQL as its shadow: every day was found equal', async () => {
  await loadWhile(archives.slice(6, 8), () => Promise.resolve());
  await expectTwins('postgres');
  await loadWhile(archives.slice(8), async () => {
    await choose(moved, ['engine', 'trino'], ['shadow', 'postgres']);
    await rebuild(moved, sourceUuid);
  });
  await expectTwins('trino');
  const [compared] = await listComparisons(moved.database.pool, moved.database.schema, 10);
  expect(compared).toMatchObject({ equalDayCount: 3, differentDayCount: 0, failedDayCount: 0 });
});
