import type { PoolClient } from 'pg';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { monthlyTables } from '../../summary/ensure-partitions.ts';
import type { purgeExpired, recalculateCosts } from '../../workflows/index.ts';
import { byLabel, costLines, giveModel, plain } from '../costs/priced-source.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { waitUntil } from '../support/wait-until.ts';
import { pod } from '../support/worked-example.ts';

/*
 * The purge of a month while its costs are computed. The clock stands in November and four months are kept: July goes,
 * August stays. Each of the two is stopped in the middle of a transaction by an advisory lock, until the other is where
 * it should be.
 */
const dailySummary = 'reporting_ocpusagelineitem_daily_summary';
const purged = '2026-07';
const kept = '2026-08';

let pipeline: TestPipeline;
let source: StagedSource;
let neighbour: StagedSource;
/** session that keeps gates closed */
let holder: PoolClient | undefined;

beforeAll(async () => {
  pipeline = await createTestPipeline({ OCP_RULES: 'koku' });
  await installGates();
  neighbour = await priced(kept);
});
afterEach(() => {
  holder?.release(true);
  holder = undefined;
});

/**
 * A cluster with one day of the month, whose usage, projects and idle cores have a price that nobody has computed yet.
 */
async function unpriced(month: string): Promise<StagedSource> {
  const created = await createStagedSource(pipeline.database, month);
  const day = `${month}-10`;
  await created.stage('pod_usage', day, pod('web', 'shop', 'w1', {}, [[3600, 3600, 1, 1]]));
  await created.stage('namespace_labels', day, [
    { hour: 0, namespace: 'idle', label_set_id: { team: 'red' } },
  ]);
  await created.summarise('koku', day);
  await created.query(
    `insert into ocp_source_month (source_uuid, billing_month, rules) values ($1, $2, 'koku')`,
    [created.sourceUuid, `${month}-01`],
  );
  await setPrice(created, 1);
  return created;
}

/** The same with its costs. */
async function priced(month: string): Promise<StagedSource> {
  const created = await unpriced(month);
  expect(await result(startCosts(created, month))).toMatchObject({ daysPriced: 1 });
  return created;
}

/** Another price leaves the costs behind. */
async function setPrice(of: StagedSource, price: number): Promise<void> {
  const rates = [plain('cpu_core_usage_per_hour', price), byLabel('project_per_month', 'team', { red: 31 })];
  await giveModel(of, rates, { distribution: { worker_cost: true } });
}

const result = async <T>(handle: Promise<{ result(): Promise<T> }>): Promise<T> => (await handle).result();

async function startCosts({ sourceUuid }: StagedSource, month: string) {
  const { orgId, schema } = pipeline.database;
  return pipeline.client.workflow.start<typeof recalculateCosts>('recalculateCosts', {
    workflowId: `costs-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId, schema, sourceUuid, month: billingMonth(month) }],
  });
}

async function startPurge() {
  return pipeline.client.workflow.start<typeof purgeExpired>('purgeExpired', {
    workflowId: `purge-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ busyPauseMs: 50, busyAttempts: 100 }],
  });
}

const gates = {
  /** a cost row is about to be written: rates and usage have been read */
  pricing: 4_721,
  /** the partition of the daily summary is locked and about to be dropped */
  dropping: 4_722,
  /** rows of all tables but the last are deleted, the ledgers are still there */
  deleting: 4_723,
} as const;

async function installGates(): Promise<void> {
  const { pool, schema } = pipeline.database;
  // Whoever waits here waits for the test, however long its lock timeout is.
  await pool.query(
    `create function ${schema}.wait_at_gate() returns trigger language plpgsql as $$
     declare
         timeout text := current_setting('lock_timeout');
     begin
         perform set_config('lock_timeout', '0', true);
         perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint);
         perform set_config('lock_timeout', timeout, true);
         return coalesce(new, old);
     end $$`,
  );
  await pool.query(
    `create trigger gate before insert on ${schema}.${dailySummary} for each row
     when (new.cost_model_rate_type = 'Infrastructure') execute function ${schema}.wait_at_gate(${gates.pricing})`,
  );
  await pool.query(
    `create trigger gate before delete on ${schema}.partitioned_tables for each row
     when (old.partition_of_table_name = '${dailySummary}') execute function ${schema}.wait_at_gate(${gates.dropping})`,
  );
  const lastTable = summaryTableNames.at(-1) ?? '';
  await pool.query(
    `create trigger gate before delete on ${schema}.${lastTable} for each statement
     execute function ${schema}.wait_at_gate(${gates.deleting})`,
  );
}

/** Close gates. @returns how to open them, one by one */
async function close(
  ...closed: (keyof typeof gates)[]
): Promise<(gate: keyof typeof gates) => Promise<void>> {
  const keeper = (holder = await pipeline.database.pool.connect());
  for (const gate of closed) await keeper.query('select pg_advisory_lock($1)', [gates[gate]]);
  return async (gate) => {
    await keeper.query('select pg_advisory_unlock($1)', [gates[gate]]);
  };
}

/** Wait until somebody waits for a lock. */
async function untilWaits(condition: string, values: unknown[]): Promise<void> {
  await waitUntil(async () => {
    const { rows } = await pipeline.database.pool.query(
      `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())
           and ${condition}`,
      values,
    );
    return rows.length > 0;
  });
}

const untilAt = (gate: keyof typeof gates) =>
  untilWaits(`locktype = 'advisory' and objid::bigint = $1`, [gates[gate]]);

/** Wait until somebody waits for a table that has months. */
const untilWaitsForTable = (isPurge: boolean) =>
  untilWaits(
    `locktype = 'relation' and relation = any($1::regclass[]) and (mode = 'AccessExclusiveLock') = $2`,
    [monthlyTables.map((table) => `${pipeline.database.schema}.${table}`), isPurge],
  );

/** Rows of the source in every table that has months, by table; only tables that have some. */
async function rowCounts({ sourceUuid }: StagedSource): Promise<Record<string, number>> {
  const tables = [...monthlyTables, 'ocp_day', 'ocp_source_month', 'ocp_piece'];
  const counted = tables.map(
    (table) => `select '${table}' as name, count(*)::int as n from ${table} where source_uuid = $1`,
  );
  const rows = await source.query<{ name: string; n: number }>(
    `${counted.join(' union all ')}
     union all select 'reporting_ocpusagereportperiod', count(*)::int from reporting_ocpusagereportperiod where provider_id = $1`,
    [sourceUuid],
  );
  return Object.fromEntries(rows.filter(({ n }) => n > 0).map(({ name, n }) => [name, n]));
}

/** Run both, and expect the month to be gone and its neighbour to be as it was. */
async function expectPurged(both: () => Promise<void>): Promise<void> {
  const before = { counts: await rowCounts(neighbour), costs: await costLines(neighbour) };
  expect(before.counts).toMatchObject({ [dailySummary]: expect.any(Number) as number });
  expect(await rowCounts(source)).toMatchObject({
    [dailySummary]: expect.any(Number) as number,
    reporting_ocp_cost_summary_by_project_p: expect.any(Number) as number,
    ocp_day: 1,
  });
  await both();
  expect(await rowCounts(source)).toEqual({});
  expect({ counts: await rowCounts(neighbour), costs: await costLines(neighbour) }).toEqual(before);
  // The steps that come next have nothing to do, and find nothing missing.
  await setPrice(source, 3);
  expect(await result(startCosts(source, purged))).toMatchObject({ daysPriced: 0, costRowCount: 0 });
  expect(await rowCounts(source)).toEqual({});
}

test('a purge that finds costs being written waits for them, and then takes all', async () => {
  source = await priced(purged);
  await setPrice(source, 2);
  await expectPurged(async () => {
    const open = await close('pricing');
    const costs = await startCosts(source, purged);
    await untilAt('pricing');
    const purge = await startPurge();
    await untilWaitsForTable(true);
    // Nobody sees a day without its costs, or with half of them.
    expect(await costLines(source, `namespace = 'shop'`)).toContain('shop w1 usage c=1 m=0 v=0');
    await open('pricing');
    expect(await costs.result()).toMatchObject({ daysPriced: 1 });
    expect(await purge.result()).toMatchObject({ reportPeriodCount: 1, failedTenants: [] });
  });
});

test('costs that find a purge under way wait for it, and write nothing of what is gone', async () => {
  source = await priced(purged);
  await setPrice(source, 2);
  await expectPurged(async () => {
    const open = await close('dropping');
    const purge = await startPurge();
    await untilAt('dropping');
    const costs = await startCosts(source, purged);
    await untilWaitsForTable(false);
    await open('dropping');
    expect(await purge.result()).toMatchObject({ reportPeriodCount: 1, failedTenants: [] });
    await costs.result();
  });
});

/** Where partitions could not be created in time, rows are in the default partition, which nobody drops. */
async function moveToDefaultPartitions(): Promise<void> {
  const suffix = purged.replace('-', '_');
  for (const table of monthlyTables) {
    const partition = `${table}_${suffix}`;
    await source.query(`alter table ${table} detach partition ${partition}`);
    if (table === dailySummary) await source.query(`insert into ${table} select * from ${partition}`);
    await source.query(`drop table ${partition}`);
  }
}

test('costs that end after the rows were deleted and before the ledgers are leave none behind', async () => {
  source = await unpriced(purged);
  await moveToDefaultPartitions();
  const open = await close('pricing', 'deleting');
  const costs = await startCosts(source, purged);
  await untilAt('pricing');
  const purge = await startPurge();
  // It has deleted what it sees, which the uncommitted costs are not.
  await untilAt('deleting');
  await open('pricing');
  expect(await costs.result()).toMatchObject({ daysPriced: 1 });
  expect(await rowCounts(source)).toMatchObject({ [dailySummary]: expect.any(Number) as number });
  // Their report period cannot go while they are there, so the purge begins anew.
  await open('deleting');
  expect(await purge.result()).toMatchObject({ reportPeriodCount: 1, failedTenants: [] });
  expect(await rowCounts(source)).toEqual({});
});
