import { Worker } from '@temporalio/worker';
import type { temporal } from '@temporalio/proto';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { followRuns } from '../../cli/follow-run.ts';
import { resetRun } from '../../cli/reset-run.ts';
import { runStatuses } from '../../cli/run-status.ts';
import { restartRun } from '../../intake/start-run.ts';
import type { Output } from '../../cli/output.ts';
import type { IngestManifestInput, IngestManifestResult } from '../../domain/run/run.ts';
import { findPayloads } from '../../payload/inbox.ts';
import { openFailuresQuery, progressQuery, resolveFailureUpdate } from '../../workflows/messages.ts';
import { runIdOf, untilBlocked } from './operator/temporal-ui.ts';
import type { Run } from './operator/temporal-ui.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { startLowLimitTemporal } from '../support/low-limit-temporal.ts';
import { breakAggregation, mendAggregation } from '../support/broken-aggregation.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';

// The server suggests to continue after 20 events instead of 4,096: a page of 400 pieces is one run.

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let sample: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline({}, await startLowLimitTemporal(20));
  folder = await createArchiveFolder();
  sample = await readPayload('operator-sample');
});

/** `fileCount` pod files of one row each, every row a pod of its own that used 51.626897 core-seconds on 6 October. */
function oneRowFiles(cluster: string, fileCount: number): Payload {
  const [podFile = ''] = [...sample.files].find(([, text]) => text.includes('pod_labels')) ?? [];
  const [header = '', row = ''] = (sample.files.get(podFile) ?? '').split('\n');
  const files = new Map(
    Array.from({ length: fileCount }, (_, index) => [
      `report.${index}.csv`,
      [header, row.replace('etcd-operator-576bc857f8-6k7x2', `pod-${index}`), ''].join('\n'),
    ]),
  );
  return withManifest({ ...sample, files }, { cluster_id: cluster, files: [...files.keys()] });
}

interface ChainLink {
  runId: string;
  events: temporal.api.history.v1.IHistoryEvent[];
}

/** The runs from the first to the last, each of which the next continues. */
async function chainOf(run: Run): Promise<ChainLink[]> {
  const chain: ChainLink[] = [];
  for (let runId: string | null | undefined = await runIdOf(run); runId;) {
    const { events } = await pipeline.client.workflow.getHandle(run.workflowId, runId).fetchHistory();
    chain.unshift({ runId, events: events ?? [] });
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  }
  return chain;
}

function inputOf(link: ChainLink | undefined): IngestManifestInput {
  const payload = link?.events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return JSON.parse(Buffer.from(payload?.data ?? []).toString()) as IngestManifestInput;
}

const scheduledIn = (link: ChainLink | undefined, activity: string) =>
  link?.events.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)
    .length;

const silent: Output = {
  json: true,
  terminal: false,
  say: () => undefined,
  result: () => undefined,
  text: () => undefined,
};

async function coreHours(source: string): Promise<(number | undefined)[]> {
  const tables = await snapshotTables(pipeline.database, source);
  const rows = tables.get('reporting_ocpusagelineitem_daily_summary') ?? [];
  return rows
    .filter((day) => !day.key.includes(' unallocated'))
    .map((day) => day.numbers.get('pod_usage_cpu_core_hours'));
}

describe('a payload of 450 files, of which a run loads a page of 400', () => {
  let source: string;
  let run: Run;
  let result: IngestManifestResult;
  let chain: ChainLink[];
  let archive: string;

  beforeAll(async () => {
    source = await pipeline.addSource('450-files');
    archive = await folder.pack(oneRowFiles('450-files', 450));
    const started = await pipeline.start({ payload: archive });
    run = started.handle;
    const [end] = await followRuns(silent, [started], new AbortController().signal);
    if (end?.outcome !== 'completed') throw new Error(`the run ended ${JSON.stringify(end)}`);
    result = end.result;
    chain = await chainOf(run);
  });

  test('is loaded by several runs and summarised by the last', async () => {
    expect(chain.map((link) => scheduledIn(link, 'loadReportDay'))).toEqual([400, 50, 0]);
    expect(chain.map((link) => scheduledIn(link, 'aggregateDays'))).toEqual([0, 0, 1]);
    for (const link of chain.slice(0, 2))
      expect(link.events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toMatchObject({
        newExecutionRunId: expect.any(String) as string,
      });
    // 450 pods with 51.626897 core-seconds each.
    expect(await coreHours(source)).toEqual([expect.closeTo((450 * 51.626897) / 3600, 9)]);
  });

  test('counts in the result what all of the runs did', () => {
    expect(result).toMatchObject({
      outcome: 'completed',
      fileCount: 450,
      rowCount: 450,
      rowsLoaded: 450,
      daysSummarised: 1,
      release: 'complete',
    });
  });

  test('carries counts and times from run to run', async () => {
    expect(chain.map((link) => inputOf(link).carried?.progress?.piecesLoaded)).toEqual([undefined, 400, 450]);
    expect(chain.map((link) => inputOf(link).carried?.progress?.rowsLoaded)).toEqual([undefined, 400, 450]);
    const [, second, third] = chain.map((link) => inputOf(link).carried?.progress?.phaseMs ?? {});
    // What was measured before is never lost: each phase only grows, and the result has the times of all runs.
    expect(second?.splitting).toBeGreaterThan(0);
    expect(second?.loading).toBeGreaterThan(0);
    expect(third?.splitting).toBe(second?.splitting);
    expect(third?.loading).toBeGreaterThan(second?.loading ?? Infinity);
    expect(result.phaseMs.splitting).toBe(second?.splitting);
    expect(result.phaseMs.loading).toBeGreaterThanOrEqual(third?.loading ?? Infinity);
    const { rows } = await pipeline.database.pool.query<{ processing: number }>(
      `select (state #>> '{processing,time_taken_seconds}')::float8 as processing
       from public.reporting_common_costusagereportmanifest
       where cluster_id = '450-files'`,
    );
    const processingMs = (result.phaseMs.splitting ?? 0) + (result.phaseMs.loading ?? 0);
    expect(rows).toEqual([{ processing: expect.closeTo(processingMs / 1_000, 6) as number }]);
  });

  test('is shown and found by its last run', async () => {
    expect(await run.query(progressQuery)).toMatchObject({
      state: 'completed',
      pieceCount: 450,
      piecesLoaded: 450,
      rowsLoaded: 450,
      clusterId: '450-files',
    });
    const { typedSearchAttributes } = await run.describe();
    expect(typedSearchAttributes.getAll()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          key: expect.objectContaining({ name: 'PipelineState' }) as unknown,
          value: 'completed',
        }),
        expect.objectContaining({
          key: expect.objectContaining({ name: 'ClusterId' }) as unknown,
          value: '450-files',
        }),
      ]),
    );
    const payloads = await findPayloads(pipeline.database.pool, result.manifestUuid ?? '');
    expect(await runStatuses(pipeline.client, payloads)).toMatchObject([
      { workflowId: run.workflowId, status: 'COMPLETED', state: 'completed' },
    ]);
  });

  test('is "already ingested" afterwards, with the result of the last run', async () => {
    const again = await pipeline.start({ payload: archive });
    expect(again.earlier).toEqual(result);
  });

  test('its histories replay, also where one run hands over to the next', async () => {
    for (const { events } of chain)
      await Worker.runReplayHistory(
        { workflowBundle: { codePath: inject('workflowBundlePath') } },
        { events },
        run.workflowId,
      );
  });
});

describe('a run that has continued as new', () => {
  /** Six pieces are loaded by one run, because they fit a page; the next finds nothing left and summarises. */
  async function start(cluster: string) {
    const source = await pipeline.addSource(cluster);
    const archive = await folder.pack(oneRowFiles(cluster, 6));
    return { source, started: await pipeline.start({ payload: archive }) };
  }

  test('that blocks is seen by who follows it, takes a decision, and goes on', async () => {
    await breakAggregation(pipeline.database);
    const { source, started } = await start('continued-blocked');
    const { handle } = started;
    const [end] = await followRuns(silent, [started], new AbortController().signal);
    expect(end).toMatchObject({ outcome: 'blocked', failures: [{ step: 'aggregateDays' }] });
    await mendAggregation(pipeline.database);
    const { failureId } = await untilBlocked(handle);
    await handle.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'retry' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 6 });
    expect(await chainOf(handle)).toHaveLength(2);
    expect(await handle.query(openFailuresQuery)).toEqual([]);
    expect(await coreHours(source)).toEqual([expect.closeTo((6 * 51.626897) / 3600, 9)]);
  });

  test('is reset to a phase of an earlier run, and followed to the end of the last', async () => {
    const { source, started } = await start('continued-reset');
    expect(await started.handle.result()).toMatchObject({ outcome: 'completed', rowsLoaded: 6 });
    const { workflowId } = started.handle;
    for (const phase of ['split', 'aggregate'] as const) {
      const handle = await resetRun(pipeline.client, workflowId, phase);
      const [end] = await followRuns(silent, [{ payload: phase, handle }], new AbortController().signal);
      expect(end, phase).toMatchObject({ outcome: 'completed', result: { rowCount: 6 } });
    }
    expect(await coreHours(source)).toEqual([expect.closeTo((6 * 51.626897) / 3600, 9)]);
  });

  test('is started again from the beginning, and joins while it runs', async () => {
    const { started } = await start('continued-again');
    const first = await started.handle.result();
    const [payload] = await findPayloads(
      pipeline.database.pool,
      started.handle.workflowId.split(':').at(-1) ?? '',
    );
    if (payload === undefined) throw new Error('no payload');
    const { client, config, database } = pipeline;
    const again = await restartRun({ client, pool: database.pool, config }, payload);
    const result = await again.handle.result();
    expect(result).toMatchObject({ outcome: 'completed', rowsLoaded: 0, rowCount: first.rowCount });
  });

  test('is cancelled as cancelled', async () => {
    await breakAggregation(pipeline.database);
    const { started } = await start('continued-cancelled');
    await untilBlocked(started.handle);
    expect(await chainOf(started.handle)).toHaveLength(2);
    await started.handle.cancel();
    await expect(started.handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await mendAggregation(pipeline.database);
    await waitUntil(async () => (await started.handle.describe()).status.name === 'CANCELLED');
  });
});
