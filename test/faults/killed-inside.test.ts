import { beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import { attemptsOf } from './support/attempts.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { workersForgotten } from './support/gates.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { committedPlaces, createPlacesScenario, startFetching } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';

let scenario: PlacesScenario;
const runs = new Map<string, FaultRun>();
/** places whose work was committed when the worker was killed, and when PostgreSQL had noticed */
const committed: Record<'before' | 'after', string[]> = { before: [], after: [] };

// One SIGKILL for all runs, each inside another phase: the server notices by missed heartbeats, or when a minute is
// over.
beforeAll(async () => {
  scenario = await createPlacesScenario();
  const { bed, payload, worker } = scenario;
  const occupied = await scenario.occupy('killed');
  const { run: fetching } = await startFetching(scenario, 'killed');
  const [first = '', ...rest] = [...payload.files.keys()];
  const waiting = await bed.start(await bed.addCluster('killed-waiting'), payload, { only: [first] });
  await waitUntil(
    async () => (await waiting.handle.query<{ state: string }>('progress')).state === 'waiting',
  );

  committed.before = await committedPlaces(bed, occupied);
  await worker.kill();
  for (const { gate } of occupied) await gate.open();
  await workersForgotten(bed.database);
  committed.after = await committedPlaces(bed, occupied);

  await bed.startWorker();
  for (const { place, run } of occupied) runs.set(place.name, run);
  runs.set('fetching', fetching).set('waiting', waiting);
  const others = await bed.start(waiting, payload, { only: rest });
  for (const run of [...runs.values(), others])
    expect(await run.handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
});

const runAt = (place: string): FaultRun => {
  const run = runs.get(place);
  if (run === undefined) throw new Error(`no run was killed at ${place}`);
  return run;
};

describe('a worker that is killed with SIGKILL inside a phase and started again', () => {
  test('leaves nothing of the transactions that it was in', () => {
    expect(committed).toEqual({ before: [], after: [] });
  });

  test.for(places)('has the step of $name done by a second attempt', async ({ name, activity }) => {
    const repeated = (await attemptsOf(runAt(name))).filter(({ attempt }) => attempt > 1);
    expect(repeated).toMatchObject([{ activity, attempt: 2 }]);
  });

  test('downloads the payload again when it was half downloaded', async () => {
    const repeated = (await attemptsOf(runAt('fetching'))).filter(({ attempt }) => attempt > 1);
    expect(repeated).toMatchObject([{ activity: 'downloadPayload', attempt: 2 }]);
  });

  test.for([...places.map(({ name }) => name), 'fetching', 'waiting'])(
    'ends with the tables of a clean run (killed when %s)',
    async (place) => {
      const { sourceUuid } = runAt(place);
      await expectAsClean(scenario.bed.database, sourceUuid, scenario.clean.sourceUuid);
    },
  );

  test('leaves no half-written object: the next attempt removes what the killed one left', async () => {
    expect(await expectNoOrphans(scenario.bed)).toBe(0);
  });
});
