import { beforeAll, describe, expect, test } from 'vitest';
import { resolveFailureUpdate } from '../../../workflows/messages.ts';
import { searchAttributes } from '../../../workflows/search-attributes.ts';
import { createArchiveFolder, readPayload, withManifest } from '../../support/archives.ts';
import type { ArchiveFolder, Payload } from '../../support/archives.ts';
import { payloadWithBadRows } from '../../support/bad-rows.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../../support/tables.ts';
import type { Tables } from '../../support/tables.ts';
import { copyHalfWay, holdLabelSet, longPodFile } from '../../support/held-load.ts';
import { leftOvers, nothingLeft } from './left-overs.ts';
import { resetPointBefore, resetPoints, runIdOf, TemporalUi, untilBlocked } from './temporal-ui.ts';
import type { ResetPoint, Run } from './temporal-ui.ts';

let pipeline: TestPipeline;
let ui: TemporalUi;
let folder: ArchiveFolder;
let sample: Payload;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  ui = new TemporalUi(pipeline);
  folder = await createArchiveFolder();
  sample = await readPayload('operator-sample');
});

/** Start a payload as that of a cluster of its own. */
async function start(clusterId: string, payload: Payload): Promise<{ run: Run; sourceUuid: string }> {
  const sourceUuid = await pipeline.addSource(clusterId);
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest(payload, { cluster_id: clusterId })),
  });
  return { run: handle, sourceUuid };
}

async function cleanTables(clusterId: string, payload: Payload): Promise<Tables> {
  const { run, sourceUuid } = await start(clusterId, payload);
  await run.result();
  return snapshotTables(pipeline.database, sourceUuid);
}

describe('a finished run', () => {
  let run: Run;
  let runId: string;
  let sourceUuid: string;
  let expected: Tables;
  let points: ResetPoint[];
  beforeAll(async () => {
    ({ run, sourceUuid } = await start('finished', sample));
    await run.result();
    runId = await runIdOf(run);
    points = await resetPoints(run);
    expected = await cleanTables('finished-clean', sample);
  });

  test('has a place to reset to before each of its phases', () => {
    const commands = points.flatMap((point) => point.commands);
    for (const phase of [
      'downloadPayload',
      'splitPayload',
      'loadReportDay',
      'completeManifest',
      'aggregateDays',
      'applyTagMapping',
      'applyCostModel',
      'validateDays',
      'recordCompletion',
      'complete',
    ])
      expect(commands).toContain(phase);
  });

  // One run after the other: a workflow id has one run at a time.
  test('reset to each of them ends with the same tables, and rebuilds no day', async () => {
    const ends: unknown[] = [];
    for (const { eventId } of points) {
      const again = await ui.reset(run, runId, eventId, 'nothing');
      ends.push((await again.result()).outcome);
      expectSameTables(await snapshotTables(pipeline.database, sourceUuid), expected);
      expect(await leftOvers(pipeline, sourceUuid)).toEqual(nothingLeft);
    }
    expect(ends).toEqual(points.map(() => 'completed'));
    expect(Object.values(await dayVersions(pipeline.database, sourceUuid))).toEqual([1]);
    const { typedSearchAttributes } = await run.describe();
    expect(typedSearchAttributes.get(searchAttributes.pipelineState)).toBe('completed');
    expect(typedSearchAttributes.get(searchAttributes.clusterId)).toBe('finished');
  });
});

test('a run that is reset in the middle of a COPY loads every piece once', async () => {
  const payload = longPodFile(sample, 'held-for-reset');
  const hold = await holdLabelSet(pipeline.database, 'held-for-reset');
  const { run, sourceUuid } = await start('running', payload);
  await copyHalfWay(pipeline.database);
  const again = await ui.reset(
    run,
    await runIdOf(run),
    await resetPointBefore(run, 'loadReportDay'),
    'nothing',
  );
  await hold.release();
  expect(await again.result()).toMatchObject({ outcome: 'completed' });
  expect(await leftOvers(pipeline, sourceUuid)).toEqual(nothingLeft);
  expectSameTables(
    await snapshotTables(pipeline.database, sourceUuid),
    await cleanTables('running-clean', longPodFile(sample, 'not-held')),
  );
});

describe('a decision taken before a reset', () => {
  let payload: Payload;
  beforeAll(async () => {
    payload = await payloadWithBadRows();
  });

  async function admittedUpdates(run: Run): Promise<number> {
    const { events } = await run.fetchHistory();
    return (
      events?.filter((event) => event.workflowExecutionUpdateAdmittedEventAttributes != null).length ?? 0
    );
  }

  test.for([
    ['signals and updates', 1],
    ['nothing', 0],
  ] as const)('is not obeyed afterwards (reapplied: %s)', async ([reapply, admitted]) => {
    const { run, sourceUuid } = await start(`decided-${admitted}`, payload);
    const decide = (failureId: string) =>
      run.executeUpdate(resolveFailureUpdate, { args: [{ failureId, action: 'skip' }] });
    const first = await untilBlocked(run);
    await decide(first.failureId);
    await run.result();
    const before = await snapshotTables(pipeline.database, sourceUuid);

    const point = await resetPointBefore(run, 'splitPayload');
    const again = await ui.reset(run, await runIdOf(run), point, reapply);
    const second = await untilBlocked(again);
    expect(await admittedUpdates(again), 'the server has handed the old decision over').toBe(admitted);
    expect(second).toMatchObject({ step: first.step, errorType: first.errorType });
    expect(second.failureId).not.toBe(first.failureId);
    await decide(second.failureId);
    expect(await again.result()).toMatchObject({ outcome: 'completed' });
    expectSameTables(await snapshotTables(pipeline.database, sourceUuid), before);
    expect(await leftOvers(pipeline, sourceUuid)).toEqual(nothingLeft);
  });
});
