import { beforeAll, expect, test } from 'vitest';
import type { PurgeExpiredInput } from '../../domain/run/cleanup.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import type { purgeExpired } from '../../workflows/index.ts';
import { payloadPath } from '../support/fixtures.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { snapshotTables } from '../support/tables.ts';
import { refuseRows } from '../support/refuse-rows.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createCleanUp } from './clean-up.ts';
import { addMonthsOfData, everywhere, monthsHeld } from './months-of-data.ts';

const summary = 'reporting_ocpusagelineitem_daily_summary';
const months = ['2026-06', '2026-07', '2026-08'];

let pipeline: TestPipeline;

beforeAll(async () => {
  // November: four months are August to November.
  pipeline = await createTestPipeline();
  await addMonthsOfData(pipeline.database, 'cluster-1', months);
});

async function start(input: PurgeExpiredInput) {
  return pipeline.client.workflow.start<typeof purgeExpired>('purgeExpired', {
    workflowId: `purge-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [input],
  });
}

/** Read a table until the test is done with it. */
async function holdSummary(): Promise<() => Promise<void>> {
  const reader = await pipeline.database.pool.connect();
  await reader.query('begin');
  await reader.query(`lock table ${pipeline.database.schema}.${summary} in access share mode`);
  return async () => {
    await reader.query('rollback');
    reader.release();
  };
}

test('a tenant whose tables stay in use fails after its attempts, and says which', async () => {
  const release = await holdSummary();
  const handle = await start({ busyAttempts: 1 });
  await expect(handle.result()).rejects.toMatchObject({
    cause: { type: 'CleanupIncomplete', message: expect.stringContaining(`${summary}_2026_06`) as string },
  });
  await release();
});

test('a tenant whose tables are in use is asked again until they are free', async () => {
  const release = await holdSummary();
  const handle = await start({ busyPauseMs: 50 });
  await waitUntil(async () => {
    const { events } = await handle.fetchHistory();
    return events?.some((event) => event.timerFiredEventAttributes != null) === true;
  });
  await release();
  expect(await handle.result()).toMatchObject({ tenantCount: 1, reportPeriodCount: 2, failedTenants: [] });
  expect(await monthsHeld(pipeline.database, months)).toEqual(everywhere(['2026-08']));
});

const partitionCount = async () => {
  const { rows } = await pipeline.database.pool.query<{ n: number }>(
    `select count(*)::int as n from pg_class where relnamespace = $1::regnamespace and relispartition and relkind = 'r'`,
    [pipeline.database.schema],
  );
  return rows[0]?.n ?? 0;
};

/** Let the forgetting of sources, which follows the dropping of partitions, fail until it is mended. */
function refuseForgetting(): Promise<() => Promise<void>> {
  const { pool, schema } = pipeline.database;
  return refuseRows(pool, { schema, table: 'reporting_ocpusagereportperiod', event: 'delete' });
}

/** Let no retry help any more: a table of the schema is gone, until it is brought back. */
async function hideReportPeriods(): Promise<() => Promise<void>> {
  const { pool, schema } = pipeline.database;
  await pool.query(`alter table ${schema}.reporting_ocpusagereportperiod rename to mislaid`);
  return async () => {
    await pool.query(`alter table ${schema}.mislaid rename to reporting_ocpusagereportperiod`);
  };
}

test('a purge that is tried again counts what all attempts removed, and so does one that fails for good', async () => {
  for (const outcome of ['mended', 'failed'] as const) {
    const cluster = `attempts-${outcome}`;
    await addMonthsOfData(pipeline.database, cluster, ['2026-04']);
    const before = await partitionCount();
    const mend = await refuseForgetting();
    const handle = await start({ options: { retryInitialMs: 50, retryMaxMs: 200 } });
    await waitUntil(async () => {
      const { raw } = await handle.describe();
      return (raw.pendingActivities ?? []).some(({ attempt }) => Number(attempt) > 2);
    });
    if (outcome === 'mended') {
      await mend();
      const result = await handle.result();
      expect(result.partitionCount).toBe(before - (await partitionCount()));
      expect(result.partitionCount).toBeGreaterThan(10);
      expect(result).toMatchObject({ reportPeriodCount: 1, failedTenants: [] });
    } else {
      // When the time for retries is over, an attempt may still be under way, and remove what nobody counts.
      const bringBack = await hideReportPeriods();
      const failure: unknown = await handle.result().catch((error: unknown) => error);
      await bringBack();
      const removed = before - (await partitionCount());
      expect(removed).toBeGreaterThan(10);
      expect(failure).toMatchObject({
        cause: { type: 'CleanupIncomplete', details: [{ partitionCount: removed, reportPeriodCount: 0 }] },
      });
      await mend();
      expect(await start({}).then((again) => again.result())).toMatchObject({
        partitionCount: 0,
        reportPeriodCount: 1,
      });
    }
  }
});

test('one broken tenant does not stop the others, and one that is skipped is named', async () => {
  const { pool, url } = pipeline.database;
  const deps = { pool, databaseUrl: url, log: { info: () => undefined } };
  const broken = await registerSource(deps, { orgId: 'broken', clusterId: 'c', name: 'c' });
  await pool.query(`alter table ${broken.schema}.ocp_piece rename to mislaid`);
  const unclear = await registerSource(deps, { orgId: 'unclear', clusterId: 'c', name: 'c' });
  await pool.query(
    `insert into ${unclear.schema}.tenant_settings (data_retention_months, singleton) values (0, true)`,
  );
  await addMonthsOfData(pipeline.database, 'cluster-2', ['2026-05']);
  const handle = await start({});
  await expect(handle.result()).rejects.toMatchObject({
    cause: {
      type: 'CleanupIncomplete',
      details: [
        {
          tenantCount: 3,
          reportPeriodCount: 1,
          failedTenants: [{ orgId: 'broken', reason: expect.stringContaining('ocp_piece') as string }],
          skippedTenants: [{ orgId: 'unclear', reason: expect.stringContaining('found 0') as string }],
        },
      ],
    },
  });
  expect(await monthsHeld(pipeline.database, ['2026-05'])).toEqual(everywhere([]));
});

test('nothing of a real payload is left but what it taught about the cluster', async () => {
  const { database } = pipeline;
  const sourceUuid = await pipeline.addSource('my-ocp-cluster-small');
  await pipeline.ingest(payloadPath('nise-small'));
  const before = await snapshotTables(database, sourceUuid);
  const cleanUp = await createCleanUp(database);
  // In February October has had its four months.
  expect(await cleanUp.purge('2027-02-01T00:00:00Z')).toMatchObject({ outcome: 'done' });
  const after = await snapshotTables(database, sourceUuid);
  const lasting = [
    'reporting_ocp_clusters',
    'reporting_ocp_nodes',
    'reporting_ocp_projects',
    'reporting_ocp_pvcs',
  ];
  for (const [table, rows] of after) {
    if (lasting.includes(table)) expect(rows, table).toEqual(before.get(table));
    else expect(rows, table).toEqual([]);
  }
  expect(after.get('reporting_ocp_nodes')).not.toEqual([]);
  const left = await inTenantTransaction(database.pool, database.schema, (client) =>
    client.query(
      `select source_uuid from ocp_piece where source_uuid = $1
       union all select source_uuid from ocp_day where source_uuid = $1
       union all select source_uuid from ocp_manifest where source_uuid = $1
       union all select provider_id from public.reporting_common_costusagereportmanifest where provider_id = $1`,
      [sourceUuid],
    ),
  );
  expect(left.rows).toEqual([]);
});
