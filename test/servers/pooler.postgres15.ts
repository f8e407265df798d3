import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { openPool } from '../../platform/database/database.ts';
import { requiredVersion } from '../../platform/migrations/migrate.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import type { sweepStaging } from '../../workflows/index.ts';
import { createFaultBed } from '../faults/support/fault-bed.ts';
import type { FaultBed } from '../faults/support/fault-bed.ts';
import type { WorkerProcess } from '../faults/support/worker-process.ts';
import { atEnd } from '../support/at-end.ts';
import { changedSettings, changeSettings } from '../support/changed-settings.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { payloadPath } from '../support/fixtures.ts';
import { expectGolden, goldenEnabledKeys } from '../support/golden.ts';
import { snapshotTables, expectSameTables } from '../support/tables.ts';
import { onServer } from '../support/template-database.ts';
import { startPgbouncer } from './pgbouncer.ts';

/*
 * Everything goes through pgbouncer in transaction mode with far fewer server connections than clients: what was left
 * on a connection would be found by somebody else, and what was expected there would be missing. A load holds a
 * transaction while it stores label sets in another: one run loads three pieces at a time, so six connections are
 * enough.
 */
const serverConnections = 6;

let direct: TestDatabase;
let bed: FaultBed;
let workers: WorkerProcess[];

beforeAll(async () => {
  direct = await createTestDatabase();
  const { schema } = direct;
  // A database that needs migrating, of a tenant that is registered; its settings are not ours either.
  await onServer(direct.url, async (client) => {
    await client.query(`drop schema ${schema} cascade; delete from public.ocp_migration`);
    await client.query('insert into public.api_tenant (schema_name) values ($1)', [schema]);
  });
  await changeSettings(direct.url, new URL(direct.url).username, changedSettings);
  const pooler = await startPgbouncer(direct.url, serverConnections);
  atEnd(() => pooler.stop());
  const pool = openPool({ url: pooler.url, size: 20, applicationName: 'test' });
  atEnd(() => pool.end());
  bed = await createFaultBed({
    database: { ...direct, url: pooler.url, pool },
    environment: { OCP_NOW: '2026-11-08T02:30:00Z', OCP_RULES: 'koku', OCP_LOAD_CONCURRENCY: '3' },
  });
  workers = await Promise.all([1, 2, 3].map(() => bed.startWorker()));
});

test('three workers that start together on a database to migrate all become ready, and each migration is there once', async () => {
  expect(workers.map((worker) => worker.ended())).toEqual([false, false, false]);
  const { rows } = await direct.pool.query<{ name: string; n: number }>(
    `select max(name) as name, count(*) - count(distinct name) as n from ${direct.schema}.ocp_migration`,
  );
  expect(rows).toEqual([{ name: requiredVersion().tenantMigration, n: 0 }]);
});

test('a payload gives the tables that Koku computes, and a sweep leaves them alone', async () => {
  const { pool, url: databaseUrl, orgId } = bed.database;
  const { sourceUuid } = await registerSource(
    { pool, databaseUrl, log: { info: () => undefined } },
    { orgId, clusterId: 'my-ocp-cluster-small', name: 'small-onprem' },
  );
  await setTagKeys(pool, direct.schema, await goldenEnabledKeys('small'), true);
  const run = await bed.start({ clusterId: 'my-ocp-cluster-small', sourceUuid }, { members: [] } as never, {
    address: payloadPath('nise-small'),
  });
  expect(await run.handle.result()).toMatchObject({
    outcome: 'completed',
    daysSummarised: 3,
    summaryRowCount: 150,
  });
  for (const table of [
    'reporting_ocpusagelineitem_daily_summary',
    'reporting_ocp_cost_summary_by_node_p',
    'reporting_ocp_volume_summary_by_project_p',
    'reporting_ocpusagepodlabel_summary',
    'reporting_ocptags_values',
  ])
    await expectGolden(direct, 'small', table);

  const before = await snapshotTables(direct, sourceUuid);
  const swept = await bed.client.workflow.execute<typeof sweepStaging>('sweepStaging', {
    workflowId: `sweep-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{}],
  });
  expect(swept).toMatchObject({ droppedCount: 6, busyCount: 0, failedTenants: [] });
  expectSameTables(await snapshotTables(direct, sourceUuid), before);
});

test('nothing of ours stays on the server connections: no lock, no temporary table, no search path', async () => {
  const { rows: locks } = await direct.pool.query(
    `select locktype from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  );
  expect(locks).toEqual([]);
  const { rows: tables } = await direct.pool.query(`select relname from pg_class where relpersistence = 't'`);
  expect(tables).toEqual([]);
  const seen = await Promise.all(
    Array.from({ length: serverConnections }, async () => {
      const client = await bed.database.pool.connect();
      try {
        const { rows } = await client.query<{ search_path: string }>('show search_path');
        return rows[0]?.search_path;
      } finally {
        client.release();
      }
    }),
  );
  expect(new Set(seen)).toEqual(new Set(['trap, pg_catalog']));
});
