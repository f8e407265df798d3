import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { searchAttributes } from '../../../workflows/search-attributes.ts';
import { createArchiveFolder, packPayload, readPayload, withManifest } from '../../support/archives.ts';
import type { ArchiveFolder, Payload } from '../../support/archives.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../../support/tables.ts';
import type { Tables } from '../../support/tables.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { holdLabelSet, longPodFile, podStaging, runningCopies } from '../../support/held-load.ts';
import type { Hold } from '../../support/held-load.ts';
import { leftOvers, nothingLeft } from './left-overs.ts';
import { TemporalUi } from './temporal-ui.ts';
import type { Run } from './temporal-ui.ts';

/** What an operator does to a run whose COPY is half way. */
const interruptions = ['terminated', 'cancelled', 'paused', 'activity reset'] as const;
type Interruption = (typeof interruptions)[number];
const load = 'loadReportDay';

let pipeline: TestPipeline;
let ui: TemporalUi;
let folder: ArchiveFolder;
let sample: Payload;
let expected: Tables;
const runs = new Map<Interruption, { run: Run; sourceUuid: string }>();

/** Answers with the first bytes of a payload and holds back the rest. */
const slowServer = createServer((_request, response) => {
  const first = slowAnswers.length === 0;
  slowAnswers.push(response);
  response.writeHead(200);
  if (first) response.write(slowPayload.subarray(0, slowPayload.length / 2));
  else response.end(slowPayload);
});
const slowAnswers: ServerResponse[] = [];
let slowPayload: Buffer;
let download: { run: Run; sourceUuid: string };

beforeAll(async () => {
  pipeline = await createTestPipeline();
  ui = new TemporalUi(pipeline);
  folder = await createArchiveFolder();
  sample = await readPayload('operator-sample');
  await new Promise<void>((resolve) => slowServer.listen(0, '127.0.0.1', resolve));
  const clean = await start('clean', longPodFile(sample, 'not-held'));
  await clean.run.result();
  expected = await snapshotTables(pipeline.database, clean.sourceUuid);
});
afterAll(() => {
  slowServer.closeAllConnections();
  slowServer.close();
});

async function start(clusterId: string, payload: Payload): Promise<{ run: Run; sourceUuid: string }> {
  const sourceUuid = await pipeline.addSource(clusterId);
  const archive = await folder.pack(withManifest(payload, { cluster_id: clusterId }));
  return { run: (await pipeline.start({ payload: archive })).handle, sourceUuid };
}

async function startSlowDownload(): Promise<{ run: Run; sourceUuid: string }> {
  const sourceUuid = await pipeline.addSource('slow');
  slowPayload = await packPayload(withManifest(longPodFile(sample, 'not-held'), { cluster_id: 'slow' }));
  const { port } = slowServer.address() as AddressInfo;
  return { run: (await pipeline.start({ payload: `http://127.0.0.1:${port}/slow` })).handle, sourceUuid };
}

const found = (interruption: Interruption) => {
  const run = runs.get(interruption);
  if (run === undefined) throw new Error(`no run was ${interruption}`);
  return run;
};

async function incomingObjects(): Promise<string[]> {
  return readdir(join(fileURLToPath(pipeline.objectStore.location), '.incoming')).catch(() => []);
}

/** Why the last attempt of a run's only pending activity ended. */
async function lastFailure(interruption: Interruption): Promise<string | null | undefined> {
  const [activity] = await ui.pendingActivities(found(interruption).run);
  return activity?.lastFailure?.message;
}

async function copies() {
  return (await runningCopies(pipeline.database, podStaging)).filter((copy) => copy.rows > 0);
}

// All at once: a running attempt learns of it with the answer to its next heartbeat, half a minute later at worst.
describe('a run whose COPY is half way', () => {
  const holds: Hold[] = [];
  beforeAll(async () => {
    for (const interruption of interruptions) {
      holds.push(await holdLabelSet(pipeline.database, interruption));
      runs.set(interruption, await start(interruption, longPodFile(sample, interruption)));
    }
    download = await startSlowDownload();
    await waitUntil(async () => (await copies()).length === interruptions.length);
    await waitUntil(async () => (await incomingObjects()).length === 1);
    // The other files are loaded: what is pending is the load that is held.
    for (const { run } of runs.values())
      await waitUntil(async () => (await ui.pendingActivities(run)).length === 1);
    await found('terminated').run.terminate('test');
    await found('cancelled').run.cancel();
    await ui.pauseActivity(found('paused').run, load);
    await ui.resetActivity(found('activity reset').run, load);
    await download.run.terminate('test');
    // The attempts are aborted, and the one of the reset activity begins anew.
    await waitUntil(async () => (await lastFailure('paused')) === 'Activity paused');
    await waitUntil(async () => (await lastFailure('activity reset')) === 'Activity reset');
    await waitUntil(async () => (await copies()).length === 1);
    await waitUntil(async () => (await incomingObjects()).length === 0);
  });
  // Whatever happened above: the held transactions must not keep the server from stopping.
  afterAll(() => Promise.all(holds.splice(0).map((hold) => hold.release())));

  test.for(interruptions)('leaves no row of it behind when it is %s', async (interruption) => {
    expect(await leftOvers(pipeline, found(interruption).sourceUuid)).toEqual(nothingLeft);
  });

  test('shows what was done to it', async () => {
    const stateOf = async ({ run }: { run: Run }) => (await run.describe()).status.name;
    expect(await stateOf(found('terminated'))).toBe('TERMINATED');
    expect(await stateOf(found('cancelled'))).toBe('CANCELLED');
    const { typedSearchAttributes } = await found('cancelled').run.describe();
    expect(typedSearchAttributes.get(searchAttributes.pipelineState)).toBe('cancelled');
    expect(await stateOf(found('paused'))).toBe('RUNNING');
    expect(await ui.pendingActivities(found('paused').run)).toMatchObject([
      { paused: true, lastFailure: { message: 'Activity paused' } },
    ]);
    expect(await ui.pendingActivities(found('activity reset').run)).toMatchObject([
      { paused: false, lastFailure: { message: 'Activity reset' } },
    ]);
  });

  describe('ends with the tables of a clean run', () => {
    beforeAll(async () => {
      await Promise.all(holds.splice(0).map((hold) => hold.release()));
    });

    async function expectCleanEnd(run: Run, sourceUuid: string): Promise<void> {
      expect(await run.result()).toMatchObject({ outcome: 'completed' });
      expectSameTables(await snapshotTables(pipeline.database, sourceUuid), expected);
      expect(await leftOvers(pipeline, sourceUuid)).toEqual(nothingLeft);
    }

    test.for(['terminated', 'cancelled'] as const)(
      'when it was %s and started like this one',
      async (what) => {
        const { run, sourceUuid } = found(what);
        await expectCleanEnd(await ui.startLike(run), sourceUuid);
      },
    );

    test('when its activity was paused and unpaused', async () => {
      const { run, sourceUuid } = found('paused');
      await ui.unpauseActivity(run, load);
      await expectCleanEnd(run, sourceUuid);
    });

    test('when its activity was reset', async () => {
      const { run, sourceUuid } = found('activity reset');
      await expectCleanEnd(run, sourceUuid);
    });

    test('when it was terminated in the middle of the download and started like this one', async () => {
      await expectCleanEnd(await ui.startLike(download.run), download.sourceUuid);
      expect(slowAnswers).toHaveLength(2);
    });
  });
});
