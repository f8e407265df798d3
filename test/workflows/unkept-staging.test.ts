import { beforeAll, beforeEach, expect, test } from 'vitest';
import { stagingTableOf } from '../../domain/reports/report-kind.ts';
import type { DecisionAction } from '../../domain/run/decision.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { untilBlocked } from './operator/temporal-ui.ts';
import type { Run } from './operator/temporal-ui.ts';
import { createArchiveFolder, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { hoursBetween, rowsOf, steadyCluster } from '../support/generated-cluster.ts';
import { buildPayload } from '../support/payload-builder.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';

// Somebody else's trigger takes rows out of staging: whatever is loaded again is short again. The run must not load for
// ever.

const pods = stagingTableOf('pod_usage');
let pipeline: TestPipeline;
let folder: ArchiveFolder;
let threeHours: Payload;

beforeAll(async () => {
  folder = await createArchiveFolder();
  threeHours = buildPayload(rowsOf(steadyCluster, hoursBetween('2026-10-06 00:00', '2026-10-06 03:00')));
});

beforeEach(async () => {
  pipeline = await createTestPipeline();
});

async function inTenant<R extends object>(text: string): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(text)).rows);
}

const pack = (clusterId: string) => folder.pack(withManifest(threeHours, { cluster_id: clusterId }));

async function decide(run: Run, failureId: string, action: DecisionAction): Promise<void> {
  await run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action }] });
}

async function loadCount(): Promise<number | undefined> {
  const [row] = await inTenant<{ loads: number }>('select count(*)::integer as loads from foreign_log');
  return row?.loads;
}

/** The tables of a source that nobody disturbed. */
async function undisturbed() {
  const source = await pipeline.addSource('undisturbed');
  await pipeline.ingest(await pack('undisturbed'));
  return snapshotTables(pipeline.database, source);
}

test('rows that a trigger deletes after each load block the rebuild after three loads, and a retry mends it', async () => {
  const expected = await undisturbed();
  const source = await pipeline.addSource('disturbed');
  await inTenant(`
    create table foreign_log (at timestamptz default clock_timestamp());
    create function foreign_cleanup() returns trigger language plpgsql as $$
    begin
        delete from ${pods} where source_uuid = '${source}' and interval_start < '2026-10-06 01:00Z';
        insert into foreign_log default values;
        return null;
    end $$;
    create trigger foreign_cleanup after insert on ${pods} execute function foreign_cleanup();`);
  const { handle } = await pipeline.start({ payload: await pack('disturbed') });
  const failure = await untilBlocked(handle);
  expect(failure).toMatchObject({
    step: 'aggregateDays',
    subject: '2026-10',
    errorType: 'StagingMiscounted',
    canSkip: false,
  });
  // The run's own load, and three more.
  expect(await loadCount()).toBe(4);
  expect(failure.message).toContain(`pod_usage of 2026-10-06, in ${pipeline.database.schema}.${pods}`);
  // Three pods in three hours; the first hour is taken.
  expect(failure.message).toContain('expected 9 rows, found 6.');
  expect(failure.message).toContain(
    `Triggers on ${pods} change the loaded rows: foreign_cleanup; remove the cause`,
  );

  // Still there: one more load, and the same answer.
  await decide(handle, failure.failureId, 'retry');
  const second = await untilBlocked(handle);
  expect(await loadCount()).toBe(5);

  await inTenant(`drop trigger foreign_cleanup on ${pods}`);
  await decide(handle, second.failureId, 'retry');
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  expectSameTables(await snapshotTables(pipeline.database, source), expected);
});

test('values that a trigger changes are told by the control sums, and a retry mends them', async () => {
  const expected = await undisturbed();
  await inTenant(`
    create function foreign_values() returns trigger language plpgsql as $$
    begin
        if new.interval_start < '2026-10-06 01:00Z' then
            new.pod_usage_cpu_core_seconds := new.pod_usage_cpu_core_seconds + 1;
        end if;
        return new;
    end $$;
    create trigger foreign_values before insert on ${pods} for each row execute function foreign_values();`);
  const source = await pipeline.addSource('disturbed');
  const { handle } = await pipeline.start({ payload: await pack('disturbed') });
  const failure = await untilBlocked(handle);
  expect(failure).toMatchObject({ step: 'aggregateDays', errorType: 'StagingMiscounted', canSkip: false });
  expect(failure.message).toContain('the daily relation differs from the control sums of the pieces');
  // Usage of the pods in three hours: 3 · 5400 + 180, 3 · 1800 + 180, 3 · 900 + 180: 24,840; requests 3 · (6000 + 2400
  // + 1500): 29,700; no limits. Three rows have a second more.
  expect(failure.message).toContain('expected 54540 core-seconds, found 54543.');
  expect(failure.message).toContain(`Triggers on ${pods} change the loaded rows: foreign_values`);

  await inTenant(`drop trigger foreign_values on ${pods}`);
  await decide(handle, failure.failureId, 'retry');
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  expectSameTables(await snapshotTables(pipeline.database, source), expected);
});

test('rows that a trigger does not let in are told by the load itself', async () => {
  const expected = await undisturbed();
  await inTenant(`
    create function foreign_filter() returns trigger language plpgsql as $$
    begin
        if new.interval_start < '2026-10-06 01:00Z' then return null; end if;
        return new;
    end $$;
    create trigger foreign_filter before insert on ${pods} for each row execute function foreign_filter();`);
  const source = await pipeline.addSource('disturbed');
  const { handle } = await pipeline.start({ payload: await pack('disturbed') });
  const failure = await untilBlocked(handle);
  expect(failure).toMatchObject({
    step: 'loadReportDay',
    errorType: 'StagingMiscounted',
    canSkip: true,
  });
  expect(failure.message).toContain(`Triggers on ${pods} change the loaded rows: foreign_filter`);
  expect(
    await inTenant(`select from ocp_piece where report_kind = 'pod_usage' and state = 'registered'`),
  ).toHaveLength(1);

  await inTenant(`drop trigger foreign_filter on ${pods}`);
  await decide(handle, failure.failureId, 'retry');
  expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
  expectSameTables(await snapshotTables(pipeline.database, source), expected);
});
