import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveFailureUpdate } from '../../../workflows/messages.ts';
import { searchAttributes } from '../../../workflows/search-attributes.ts';
import { packPayload, readPayload, withManifest } from '../../support/archives.ts';
import type { Payload } from '../../support/archives.ts';
import { breakAggregation, mendAggregation } from '../../support/broken-aggregation.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../../support/tables.ts';
import type { Tables } from '../../support/tables.ts';
import { refuseRows } from '../../support/refuse-rows.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { leftOvers, nothingLeft } from './left-overs.ts';
import { resetPointBefore, runIdOf, TemporalUi, untilBlocked } from './temporal-ui.ts';
import type { Run } from './temporal-ui.ts';

let sample: Payload;
/** what each path is answered with next; the last answer stays */
const answers = new Map<string, (Buffer | number)[]>();
/** when each path was asked for, milliseconds */
const requests = new Map<string, number[]>();
const server = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://server').pathname.slice(1);
  requests.set(path, [...(requests.get(path) ?? []), performance.now()]);
  const [answer = 404, ...next] = answers.get(path) ?? [];
  if (next.length > 0) answers.set(path, next);
  if (Buffer.isBuffer(answer)) response.end(answer);
  else response.writeHead(answer).end();
});

beforeAll(async () => {
  sample = await readPayload('operator-sample');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

interface Started {
  run: Run;
  sourceUuid: string;
}

/** Start the payload of a cluster from an address that is signed. */
async function start(
  pipeline: TestPipeline,
  cluster: string,
  before: number[],
  after?: number,
): Promise<Started> {
  const sourceUuid = await pipeline.addSource(cluster);
  const archive = await packPayload(withManifest(sample, { cluster_id: cluster }));
  answers.set(cluster, [...before, archive, ...(after === undefined ? [] : [after])]);
  const { port } = server.address() as AddressInfo;
  const payload = `http://127.0.0.1:${port}/${cluster}?X-Amz-Signature=4f1d0c2b`;
  return { run: (await pipeline.start({ payload })).handle, sourceUuid };
}

/** What an operator can do once the cause is mended, after the run has failed. */
const replays = [
  ['reset to the phase that failed', 'reset'],
  ['reset to its first phase', 'reset-start'],
  ['started like this one', 'like'],
  ['started like this one under another id', 'like-other-id'],
] as const;

describe('a payload that fails for a reason outside it, and whose address answers 403 after the first delivery', () => {
  let impatient: TestPipeline;
  let patient: TestPipeline;
  let ui: TemporalUi;
  let expected: Tables;
  const failed = new Map<string, Started>();
  let blocked: Started;

  beforeAll(async () => {
    impatient = await createTestPipeline({ BLOCKED_WAIT: '100ms' });
    patient = await createTestPipeline();
    ui = new TemporalUi(impatient);
    const clean = await start(impatient, 'clean', []);
    await clean.run.result();
    expected = await snapshotTables(impatient.database, clean.sourceUuid);
    for (const pipeline of [impatient, patient]) await breakAggregation(pipeline.database);
    for (const [, name] of replays) failed.set(name, await start(impatient, name, [], 403));
    blocked = await start(patient, 'update', [], 403);
    await untilBlocked(blocked.run);
    for (const { run } of failed.values())
      await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SchemaTooOld' } });
    for (const pipeline of [impatient, patient]) await mendAggregation(pipeline.database);
  });

  async function expectComplete(pipeline: TestPipeline, name: string, { run, sourceUuid }: Started) {
    expect(await run.result()).toMatchObject({ outcome: 'completed', rowCount: 20, daysSummarised: 1 });
    expect(requests.get(name), 'the archived copy is used').toHaveLength(1);
    expectSameTables(await snapshotTables(pipeline.database, sourceUuid), expected);
    expect(await leftOvers(pipeline, sourceUuid)).toEqual(nothingLeft);
    const { typedSearchAttributes } = await run.describe();
    expect(typedSearchAttributes.get(searchAttributes.pipelineState)).toBe('completed');
  }

  test('ends complete with the Update resolveFailure', async () => {
    const { failureId } = await untilBlocked(blocked.run);
    await blocked.run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'retry' }] });
    await expectComplete(patient, 'update', blocked);
  });

  test.for(replays)('ends complete when it is %s', async ([, name]) => {
    const { run, sourceUuid } = failed.get(name) ?? { run: undefined, sourceUuid: '' };
    if (run === undefined) throw new Error(`${name} was not started`);
    const reset = async (phase: string) =>
      ui.reset(run, await runIdOf(run), await resetPointBefore(run, phase), 'nothing');
    const again = await {
      reset: () => reset('aggregateDays'),
      'reset-start': () => reset('downloadPayload'),
      like: () => ui.startLike(run),
      'like-other-id': () => ui.startLike(run, 'an id that the UI made up'),
    }[name]();
    await expectComplete(impatient, name, { run: again, sourceUuid });
  });
});

test('a step is tried again with growing pauses until its bound, then waits for a decision', async () => {
  const pipeline = await createTestPipeline({
    OCP_ACTIVITY_TRANSFER_TIMEOUT: '6s',
    OCP_ACTIVITY_RETRY_INITIAL: '100ms',
    OCP_ACTIVITY_RETRY_MAX: '400ms',
  });
  const { run } = await start(pipeline, 'down', Array<number>(100).fill(503));
  const failure = await untilBlocked(run);
  expect(failure).toMatchObject({
    step: 'downloadPayload',
    errorType: 'RetriesExhausted',
    canSkip: false,
  });
  expect(failure.message).toContain('answered 503');
  const times = requests.get('down') ?? [];
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(pauses.length).toBeGreaterThan(1);
  // Never sooner than the doubled pause; how much later is the machine's affair.
  pauses.forEach((pause, index) => {
    expect(pause).toBeGreaterThanOrEqual(Math.min(100 * 2 ** index, 400) - 1);
  });
  answers.set('down', answers.get('down')?.slice(-1) ?? []);
  await run.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure.failureId, action: 'retry', note: 'the server is back' }],
  });
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
});

test('a payload whose archive was stored, but not recorded before its address expired, is taken from the store', async () => {
  const pipeline = await createTestPipeline({
    OCP_ACTIVITY_RETRY_INITIAL: '50ms',
    OCP_ACTIVITY_RETRY_MAX: '50ms',
  });
  const { pool } = pipeline.database;
  // As if PostgreSQL went away between the two.
  const comeBack = await refuseRows(pool, {
    schema: 'public',
    table: 'payload_inbox',
    event: 'update',
    when: 'new.object_key is distinct from old.object_key',
    message: 'away',
  });
  const { run } = await start(pipeline, 'unrecorded', [], 403);
  await waitUntil(async () => {
    const [download] = (await run.describe()).raw.pendingActivities ?? [];
    return (download?.attempt ?? 0) > 2 && (download?.lastFailure?.message ?? '').includes('away');
  });
  await comeBack();
  expect(await run.result()).toMatchObject({ outcome: 'completed', rowCount: 20 });
  expect(requests.get('unrecorded')).toHaveLength(1);
});
