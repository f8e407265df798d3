import { beforeAll, describe, expect, test } from 'vitest';
import type { SweepStagingInput } from '../../domain/run/cleanup.ts';
import { relationTables } from '../../domain/reports/relations.ts';
import { stagingTableOf } from '../../domain/reports/report-kind.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import type { resummarize, sweepStaging } from '../../workflows/index.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { copyHalfWay, holdLabelSet, longPodFile } from '../support/held-load.ts';
import { partitionsOf, stagingTables } from './clean-up.ts';

const october = billingMonth('2026-10');
const pods = stagingTableOf('pod_usage');

let pipeline: TestPipeline;
let folder: ArchiveFolder;

beforeAll(async () => {
  // A week and a day after the end of October: it is old for the sweep, and new for everything else.
  pipeline = await createTestPipeline({ OCP_NOW: '2026-11-08T02:30:00Z' });
  folder = await createArchiveFolder();
});

async function sweep(input: SweepStagingInput = {}) {
  return pipeline.client.workflow.execute<typeof sweepStaging>('sweepStaging', {
    workflowId: `sweep-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [input],
  });
}

async function query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text, values)).rows);
}

async function stagingRowCount(): Promise<number> {
  const counts = await Promise.all(
    stagingTables.map((table) => query<{ n: number }>(`select count(*) as n from ${table}`)),
  );
  return counts.reduce((sum, rows) => sum + (rows[0]?.n ?? 0), 0);
}

describe('a month that was swept', () => {
  test('is summarised again without a line item; without its relations from the daily CSVs, and swept again', async () => {
    const sourceUuid = await pipeline.addSource('swept');
    const payload = await readPayload('nise-small');
    await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'swept' })));
    const before = await snapshotTables(pipeline.database, sourceUuid);
    const rowCount = await stagingRowCount();
    expect(rowCount).toBeGreaterThan(0);

    expect(await sweep()).toMatchObject({ droppedCount: 6, busyCount: 0, pinnedCount: 0, failedTenants: [] });
    expect(await partitionsOf(pipeline.database, pods)).toEqual([]);
    expect(await query('select distinct state from ocp_piece')).toEqual([{ state: 'swept' }]);
    expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);

    const { orgId, schema } = pipeline.database;
    const rebuild = () =>
      pipeline.client.workflow.execute<typeof resummarize>('resummarize', {
        workflowId: `resummarize:${crypto.randomUUID()}`,
        taskQueue: taskQueues.pipeline,
        args: [{ orgId, schema, sourceUuid, month: october }],
      });
    expect((await rebuild()).daysSummarised).toBe(3);
    expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);
    expect(await partitionsOf(pipeline.database, pods)).toEqual([]);

    await query('update ocp_day set relations_hash = null');
    for (const table of relationTables) await query(`delete from ${table}`);
    expect((await rebuild()).daysSummarised).toBe(3);
    expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);
    expect(await stagingRowCount()).toBe(rowCount);
    expect(await sweep()).toMatchObject({ droppedCount: 6, pinnedCount: 0 });
    expect(await stagingRowCount()).toBe(0);
  });
});

test('a load that is running during the sweep loses nothing', async () => {
  const { database } = pipeline;
  const sourceUuid = await pipeline.addSource('loading');
  const payload = longPodFile(await readPayload('operator-sample'), 'held');
  const hold = await holdLabelSet(database, 'held');
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest(payload, { cluster_id: 'loading' })),
  });
  await copyHalfWay(database);
  const during = await sweep();
  // Its piece pins the partition before any lock is asked for: the load goes on undisturbed.
  expect(during).toMatchObject({ pinnedCount: expect.any(Number) as number, failedTenants: [] });
  expect(await partitionsOf(database, pods)).toEqual([`${pods}_2026_10`]);
  await hold.release();
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  const [loaded] = await query<{ n: number }>(`select count(*) as n from ${pods} where source_uuid = $1`, [
    sourceUuid,
  ]);
  expect(loaded?.n).toBe(6_001);
  expect(await sweep()).toMatchObject({ busyCount: 0, pinnedCount: 0 });
  expect(await partitionsOf(database, pods)).toEqual([]);
});

test('a piece that is loaded again during the sweep keeps its rows', async () => {
  const { database } = pipeline;
  const sourceUuid = await pipeline.addSource('reloading');
  const payload = longPodFile(await readPayload('operator-sample'), 'held again');
  await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'reloading' })));
  await sweep();
  await query('update ocp_day set relations_hash = null');
  for (const table of relationTables) await query(`delete from ${table}`);
  await query(`delete from ocp_label_set where labels ->> 'app' = 'held again'`);
  const hold = await holdLabelSet(database, 'held again');
  const { orgId, schema } = database;
  const rebuild = await pipeline.client.workflow.start<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month: october }],
  });
  await copyHalfWay(database);
  // Summarised long ago, so nothing pins the partition but the running COPY itself.
  expect(await sweep()).toMatchObject({ busy: [`${schema}.${pods}_2026_10`], pinnedCount: 0 });
  await hold.release();
  expect(await rebuild.result()).toMatchObject({ daysSummarised: 1 });
  const [loaded] = await query<{ n: number }>(`select count(*) as n from ${pods} where source_uuid = $1`, [
    sourceUuid,
  ]);
  expect(loaded?.n).toBe(6_001);
});

test('announcements of more than 90 days ago are deleted, answered or not; newer ones stay', async () => {
  const { pool } = pipeline.database;
  await pool.query(
    `insert into public.payload_announcement (request_id, org_id, announced_at, answered_at)
     select format('%s-%s', age, number), case number when 1 then '1234567' end,
            now() - make_interval(days => age), case number when 1 then now() end
     from unnest(array[0, 89, 91, 400]) as age, generate_series(1, 2) as number`,
  );
  // More than one batch of them.
  await pool.query(
    `insert into public.payload_announcement (request_id, announced_at)
     select 'many-' || number, now() - interval '100 days' from generate_series(1, 2500) as number`,
  );
  await sweep();
  const { rows } = await pool.query<{ id: string }>(
    'select request_id as id from public.payload_announcement order by announced_at desc, request_id',
  );
  expect(rows.map(({ id }) => id)).toEqual(['0-1', '0-2', '89-1', '89-2']);
});

test('one broken tenant does not stop the others, and the sweep ends as failed', async () => {
  const { pool, url, schema } = pipeline.database;
  const log = { info: () => undefined };
  const broken = await registerSource(
    { pool, databaseUrl: url, log },
    { orgId: 'broken', clusterId: 'c', name: 'c' },
  );
  await pool.query(`alter table ${broken.schema}.ocp_piece rename to mislaid`);
  // Something that can be swept in the good tenant.
  await query(
    `create table old partition of ${pods} for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00')`,
  );
  await pool.query(
    `create table ${broken.schema}.old partition of ${broken.schema}.${pods}
     for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00')`,
  );
  await expect(sweep()).rejects.toMatchObject({
    cause: {
      type: 'CleanupIncomplete',
      message: expect.stringContaining('broken') as string,
      details: [
        {
          tenantCount: 2,
          failedTenants: [{ orgId: 'broken', reason: expect.stringContaining('ocp_piece') as string }],
        },
      ],
    },
  });
  expect(await partitionsOf(pipeline.database, pods)).not.toContain('old');
  const [left] = await query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `${broken.schema}.old`,
  ]);
  expect(left?.found).toBe(true);
  expect(schema).not.toBe(broken.schema);
});
