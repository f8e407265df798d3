import { beforeAll, describe, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { progressQuery, resolveFailureUpdate } from '../../workflows/messages.ts';
import { createArchiveFolder } from '../support/archives.ts';
import type { ArchiveFolder } from '../support/archives.ts';
import { payloadWithBadRows } from '../support/bad-rows.ts';
import { payloadPath } from '../support/fixtures.ts';
import { breakAggregation, mendAggregation } from '../support/broken-aggregation.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { untilBlocked } from './operator/temporal-ui.ts';
import type { Run } from './operator/temporal-ui.ts';

const cluster = 'my-ocp-cluster-small';
let folder: ArchiveFolder;
beforeAll(async () => {
  folder = await createArchiveFolder();
});

async function inTenant(pipeline: TestPipeline, text: string): Promise<void> {
  const { pool, schema } = pipeline.database;
  await inTenantTransaction(pool, schema, (client) => client.query(text));
}

interface Handler {
  name: string;
  description?: string;
}

/** What the Temporal UI asks a run for: its handlers and its current details. */
async function metadataOf(run: Run) {
  return run.query<{
    currentDetails: string;
    definition: { updateDefinitions?: Handler[]; queryDefinitions?: Handler[] };
  }>('__temporal_workflow_metadata');
}

describe('a step that gives up', () => {
  let pipeline: TestPipeline;
  let sourceUuid: string;
  beforeAll(async () => {
    pipeline = await createTestPipeline();
    sourceUuid = await pipeline.addSource(cluster);
  });

  test('waits for an operator, refuses decisions that do not fit, and goes on with retry', async () => {
    await breakAggregation(pipeline.database);
    const { handle } = await pipeline.start({ payload: payloadPath('nise-full_day1') });
    const failure = await untilBlocked(handle);
    expect(failure).toMatchObject({
      step: 'aggregateDays',
      subject: '2026-10',
      errorType: 'SchemaTooOld',
      canSkip: false,
    });
    expect(await handle.query(progressQuery)).toMatchObject({
      state: 'blocked',
      openFailureCount: 1,
      days: [{ usageDay: '2026-10-01', pieceCount: 6, loadedCount: 6, failedCount: 0, state: 'blocked' }],
    });
    const shown = await metadataOf(handle);
    expect(shown.currentDetails).toContain('| 2026-10-01 | 6 of 6 | blocked |');
    expect(shown.currentDetails).toContain(failure.failureId);
    const { updateDefinitions = [], queryDefinitions = [] } = shown.definition;
    for (const name of ['resolveFailure', 'progress', 'openFailures']) {
      const handler = [...updateDefinitions, ...queryDefinitions].find((known) => known.name === name);
      expect(handler?.description, `description of ${name}`).toBeTruthy();
    }
    const described = await handle.describe();
    expect(described.typedSearchAttributes.get(searchAttributes.pipelineState)).toBe('blocked');

    const decide = (failureId: string, action: 'retry' | 'skip') =>
      handle.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action }] });
    await expect(decide('something else', 'retry')).rejects.toMatchObject({
      cause: {
        message: expect.stringContaining(
          'No open failure something else; open: aggregateDays:2026-10:',
        ) as string,
      },
    });
    await expect(decide(failure.failureId, 'skip')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('aggregateDays cannot be skipped') as string },
    });

    await mendAggregation(pipeline.database);
    expect(await decide(failure.failureId, 'retry')).toMatchObject({ action: 'retry', openCount: 0 });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', daysSummarised: 1 });
    const clean = await createCleanRun();
    expectSameTables(await snapshotTables(pipeline.database, sourceUuid), clean);
  });

  test('fails the run when nobody decides in time, and the run can be started again', async () => {
    const impatient = await createTestPipeline({ BLOCKED_WAIT: '100ms' });
    await impatient.addSource(cluster);
    await inTenant(
      impatient,
      'alter function ocp_insert_pod_rows(date, date, integer, text, text, uuid) rename to hidden_step',
    );
    const payload = payloadPath('nise-full_day1');
    const { handle } = await impatient.start({ payload });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
    await inTenant(
      impatient,
      'alter function hidden_step(date, date, integer, text, text, uuid) rename to ocp_insert_pod_rows',
    );
    expect(await impatient.ingest(payload)).toMatchObject({
      outcome: 'completed',
      daysSummarised: 1,
      rowsLoaded: 0,
    });
  });

  async function createCleanRun() {
    const clean = await createTestPipeline();
    const uuid = await clean.addSource(cluster);
    await clean.ingest(payloadPath('nise-full_day1'));
    return snapshotTables(clean.database, uuid);
  }
});

describe('a file with too many bad rows', () => {
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await createTestPipeline();
    await pipeline.addSource(cluster);
  });

  test('keeps its days as they were while the other files are summarised; skipped, the run completes', async () => {
    const payload = await folder.pack(await payloadWithBadRows());
    const { handle } = await pipeline.start({ payload });
    const failure = await untilBlocked(handle);
    expect(failure).toMatchObject({ step: 'splitPayload', errorType: 'TooManyRejectedRows', canSkip: true });
    expect(failure.message).toMatch(/150 of 552 rows are invalid, more than 100 rows and 5 %/);
    const { rows } = await pipeline.database.pool.query<{ data_source: string }>(
      `select distinct data_source from ${pipeline.database.schema}.reporting_ocpusagelineitem_daily_summary`,
    );
    expect(rows).toEqual([{ data_source: 'Storage' }]);
    await handle.executeUpdate(resolveFailureUpdate, {
      args: [{ failureId: failure.failureId, action: 'skip', note: 'known defect of that operator' }],
    });
    expect(await handle.result()).toMatchObject({ outcome: 'completed' });
    const files = await pipeline.database.pool.query<{ state: string }>(
      `select state from ${pipeline.database.schema}.ocp_file where state <> 'split'`,
    );
    expect(files.rows).toEqual([{ state: 'skipped' }]);
  });

  test('abandoned, fails the run with its reason', async () => {
    const payload = await folder.pack(await payloadWithBadRows());
    const { handle } = await pipeline.start({ payload, again: true });
    const failure = await untilBlocked(handle);
    await handle.executeUpdate(resolveFailureUpdate, {
      args: [{ failureId: failure.failureId, action: 'abandon' }],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'TooManyRejectedRows' } });
  });
});
