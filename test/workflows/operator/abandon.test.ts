import { beforeAll, expect, test } from 'vitest';
import { taskQueues } from '../../../domain/run/run.ts';
import { billingMonth } from '../../../domain/time/usage-day.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import type { resummarize } from '../../../workflows/index.ts';
import { resolveFailureUpdate } from '../../../workflows/messages.ts';
import { payloadPath } from '../../support/fixtures.ts';
import { breakAggregation, mendAggregation } from '../../support/broken-aggregation.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../../support/tables.ts';
import type { Tables } from '../../support/tables.ts';
import { untilBlocked } from './temporal-ui.ts';

/** Two payloads of the same day and cluster; the second one covers it better. */
const cluster = 'my-ocp-cluster-small';
const halfDay = payloadPath('nise-partial_12h_day1');
const fullDay = payloadPath('nise-full_day1');

let fullDayAlone: Tables;
beforeAll(async () => {
  const pipeline = await createTestPipeline();
  const source = await pipeline.addSource(cluster);
  await pipeline.ingest(fullDay);
  fullDayAlone = await snapshotTables(pipeline.database, source);
});

/** Half a day summarised, then the whole one whose aggregation gives up. */
async function blockedPipeline(environment: Record<string, string> = {}) {
  const pipeline = await createTestPipeline(environment);
  const source = await pipeline.addSource(cluster);
  await pipeline.ingest(halfDay);
  const before = await snapshotTables(pipeline.database, source);
  await breakAggregation(pipeline.database);
  const { handle } = await pipeline.start({ payload: fullDay });
  return { pipeline, source, before, run: handle };
}

async function inTenant<R extends object>(pipeline: TestPipeline, statement: string): Promise<R[]> {
  const { pool, schema } = pipeline.database;
  return inTenantTransaction(pool, schema, async (client) => (await client.query<R>(statement)).rows);
}

/** What the next payload of the month, or a change of settings, brings about. */
async function rebuildMonth({ client, database }: TestPipeline, sourceUuid: string): Promise<void> {
  await client.workflow.execute<typeof resummarize>('resummarize', {
    workflowId: `resummarize:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{ orgId: database.orgId, schema: database.schema, sourceUuid, month: billingMonth('2026-10') }],
  });
}

test('what an abandoned payload brought is summarised by nobody until it is replayed', async () => {
  const { pipeline, source, before, run } = await blockedPipeline();
  const { failureId } = await untilBlocked(run);
  await run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'abandon' }] });
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
  await mendAggregation(pipeline.database);

  await rebuildMonth(pipeline, source);
  expectSameTables(await snapshotTables(pipeline.database, source), before);
  const files = await inTenant<{ state: string; message: string }>(
    pipeline,
    `select distinct file.state, file.message
     from ocp_file as file
     join ocp_piece as piece using (file_id)
     where piece.processed_at is null`,
  );
  expect(files).toEqual([
    { state: 'failed', message: expect.stringContaining('abandoned by an operator') as string },
  ]);

  // Nothing is copied again: the rows are in staging still.
  expect(await pipeline.ingest(fullDay)).toMatchObject({
    outcome: 'completed',
    daysSummarised: 1,
    rowsLoaded: 0,
  });
  expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
});

test('when nobody decides, the data stay, and the next run of the month takes them in', async () => {
  const { pipeline, source, run } = await blockedPipeline({ BLOCKED_WAIT: '100ms' });
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
  await mendAggregation(pipeline.database);
  await rebuildMonth(pipeline, source);
  expectSameTables(await snapshotTables(pipeline.database, source), fullDayAlone);
});
