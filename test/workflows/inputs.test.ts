import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { taskQueues } from '../../domain/run/run.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { untilBlocked } from './operator/temporal-ui.ts';
import type { Run } from './operator/temporal-ui.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import { podFileAlone } from '../support/held-load.ts';
import { breakAggregation, mendAggregation } from '../support/broken-aggregation.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';

let pipeline: TestPipeline;

beforeAll(async () => {
  pipeline = await createTestPipeline();
});

const uuid = '0d1ed500-0000-4000-8000-000000000001';
const payload = { orgId: 'org', requestId: 'request', inboxId: uuid };
const month = { orgId: 'org', schema: 'org', sourceUuid: uuid, month: '2026-10' };

/** Start a workflow as people do in the Temporal UI: with any JSON. */
async function start(type: string, args: unknown[]) {
  return pipeline.client.workflow.start(type, {
    workflowId: `by-hand:${randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args,
  });
}

type Case = [type: string, args: unknown[], sentence: RegExp];

const wrongInputs: Case[] = [
  [
    'ingestManifest',
    [{}],
    /ingestManifest: orgId is missing, expected a string.*requestId is missing.*inboxId is missing/,
  ],
  ['ingestManifest', [null], /the input is null, expected an object/],
  ['ingestManifest', [], /the input is missing, expected an object/],
  ['ingestManifest', ['request'], /the input is "request", expected an object/],
  ['ingestManifest', [[payload]], /the input is \[\{.*, expected an object/],
  ['ingestManifest', [{ ...payload, requestId: undefined }], /requestId is missing/],
  ['ingestManifest', [{ ...payload, requestId: '' }], /requestId is "", expected a string/],
  ['ingestManifest', [{ ...payload, requestId: 7 }], /requestId is 7, expected a string/],
  [
    'ingestManifest',
    [{ ...payload, orgId: 'o'.repeat(256) }],
    /orgId is "oooo.*…, expected a string of 1 to 255/,
  ],
  ['ingestManifest', [{ ...payload, inboxId: '12' }], /inboxId is "12", expected a UUID/],
  ['ingestManifest', [{ ...payload, options: 5 }], /options is 5, expected an object/],
  [
    'ingestManifest',
    [{ ...payload, options: { blockedWaitMs: -1 } }],
    /options\.blockedWaitMs is -1, expected/,
  ],
  ['ingestManifest', [{ ...payload, options: { retryMaxMs: 0 } }], /options\.retryMaxMs is 0, expected/],
  [
    'ingestManifest',
    [{ ...payload, options: { loadConcurrency: 0.5 } }],
    /loadConcurrency is 0\.5, expected/,
  ],
  ['ingestManifest', [{ ...payload, options: { sqlTimeoutMs: '1h' } }], /sqlTimeoutMs is "1h", expected/],
  ['ingestManifest', [{ ...payload, options: { sqlTimeoutMs: 1e300 } }], /sqlTimeoutMs is 1e\+300, expected/],
  ['ingestManifest', [{ ...payload, carried: 'all' }], /carried is "all", expected an object/],
  [
    'resummarize',
    [{}],
    /resummarize: orgId is missing.*schema is missing.*sourceUuid is missing.*month is missing/,
  ],
  ['resummarize', [null], /the input is null/],
  ['resummarize', [{ ...month, month: '2026-13' }], /month is "2026-13", expected a month/],
  ['resummarize', [{ ...month, sourceUuid: 'cluster' }], /sourceUuid is "cluster", expected a UUID/],
  ['resummarize', [{ ...month, from: '2026-10-32' }], /from is "2026-10-32", expected a day/],
  ['resummarize', [{ ...month, delayMs: -5 }], /delayMs is -5, expected/],
  ['sweepStaging', [null], /sweepStaging: the input is null/],
  ['sweepStaging', [{ retentionDays: -1 }], /retentionDays is -1, expected/],
  ['sweepStaging', [{ nowIso: 'yesterday' }], /nowIso is "yesterday", expected a time/],
  ['sweepStaging', [{ options: { retryInitialMs: -2 } }], /options\.retryInitialMs is -2/],
  ['purgeExpired', [null], /purgeExpired: the input is null/],
  ['purgeExpired', [{ busyAttempts: 0 }], /busyAttempts is 0, expected/],
  ['purgeExpired', [{ busyPauseMs: 'long' }], /busyPauseMs is "long", expected/],
  ['watchSettings', [{}], /watchSettings: delayMs is missing, expected/],
  ['watchSettings', [{ delayMs: -1 }], /delayMs is -1, expected/],
  ['watchSettings', [undefined], /the input is missing/],
];

test.for(wrongInputs)('%s with %j ends at once with a sentence', async ([type, args, sentence]) => {
  const handle = await start(type, args);
  const failure = await handle.result().then(
    () => undefined,
    (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error),
  );
  expect(failure).toMatchObject({
    type: 'InputInvalid',
    nonRetryable: true,
    message: expect.stringMatching(sentence) as string,
  });
  const { events } = await handle.fetchHistory();
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes != null)).toEqual([]);
  const { typedSearchAttributes } = await handle.describe();
  expect(typedSearchAttributes.get(searchAttributes.pipelineState)).toBe('failed');
});

test('null is as good as absent in what need not be given, and a first pause beyond the longest is cut', async () => {
  const handle = await start('sweepStaging', [
    { retentionDays: null, options: { retryInitialMs: 60_000, retryMaxMs: 500, blockedWaitMs: null } },
  ]);
  expect(await handle.result()).toMatchObject({ failedTenants: [] });
  expect(await (await start('sweepStaging', [])).result()).toMatchObject({ failedTenants: [] });
});

test('a signal without its argument does not stop a rebuild', async () => {
  const source = await pipeline.addSource('signalled');
  const { orgId, schema } = pipeline.database;
  const input = { ...month, orgId, schema, sourceUuid: source, delayMs: 500, settingsHash: 'one' };
  const handle = await start('resummarize', [input]);
  for (const args of [[null], [], [{}], [{ settingsHash: 5 }]])
    await handle.signal('settingsChanged', ...args);
  expect(await handle.result()).toMatchObject({ month: '2026-10' });
  const { events } = await handle.fetchHistory();
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes != null)).toEqual([]);
});

describe('the Update resolveFailure', () => {
  let run: Run;
  let failureId: string;

  beforeAll(async () => {
    await pipeline.addSource('decided');
    await breakAggregation(pipeline.database);
    const small = podFileAlone(await readPayload('operator-sample'), 'app');
    const folder = await createArchiveFolder();
    const archive = await folder.pack(withManifest(small, { cluster_id: 'decided' }));
    run = (await pipeline.start({ payload: archive })).handle;
    ({ failureId } = await untilBlocked(run));
  });

  async function refusal(...args: unknown[]): Promise<string> {
    try {
      await run.executeUpdate(resolveFailureUpdate.name, { args: args as [] });
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      return error.cause?.message ?? '';
    }
    throw new Error('it was taken');
  }

  test.for<[unknown[], RegExp]>([
    [[null], /^the input is null, expected an object; open: /],
    [[], /^the input is missing, expected an object; open: /],
    [['retry'], /^the input is "retry", expected an object; open: /],
    [[{}], /^failureId is missing, expected .*; action is missing, expected retry, skip, abandon; open: /],
    [[{ failureId: 'other', action: 'retry' }], /^No open failure other; open: /],
    [[{ failureId: 'ID', action: 'again' }], /^action is "again", expected retry, skip, abandon; open: /],
    [
      [{ failureId: 'ID', action: 'skip' }],
      /^aggregateDays cannot be skipped, because only files can; .*; open: /,
    ],
    [[{ failureId: 'ID', action: 'retry', note: {} }], /^note is \{\}, expected a string; open: /],
  ])('%j is refused with a sentence that names the open ids', async ([args, sentence]) => {
    const given = args.map((arg) =>
      (arg as { failureId?: string } | null)?.failureId === 'ID' ? { ...(arg as object), failureId } : arg,
    );
    const message = await refusal(...given);
    expect(message).toMatch(sentence);
    expect(message).toContain(`open: ${failureId}`);
  });

  test('that is good is taken after all of them', async () => {
    await mendAggregation(pipeline.database);
    await run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'retry' }] });
    expect(await run.result()).toMatchObject({ outcome: 'completed' });
  });
});
