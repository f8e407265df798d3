import { beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import { handOutAgain, stopHandingOut } from './support/activity-queues.ts';
import { attemptsOf } from './support/attempts.ts';
import type { Attempt } from './support/attempts.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { workersForgotten } from './support/gates.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { createPlacesScenario } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import type { Place } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';

/** The last place has nothing after it. */
const borders = (places as readonly Place[]).filter(({ next }) => next !== undefined);

let scenario: PlacesScenario;
const runs = new Map<string, FaultRun>();
/** what the runs had done when the worker was killed */
const before = new Map<string, Attempt[]>();

// One SIGKILL for all runs, each between two other steps: one has ended, the next is asked for, and no worker has it.
beforeAll(async () => {
  scenario = await createPlacesScenario();
  const { bed, worker } = scenario;
  const occupied = await scenario.occupy('killed', borders);
  await stopHandingOut(bed.client);
  for (const { gate } of occupied) await gate.open();
  for (const { place, run } of occupied) {
    runs.set(place.name, run);
    await waitUntil(async () => {
      const attempts = await attemptsOf(run);
      before.set(place.name, attempts);
      return attempts.at(-1)?.activity === place.next;
    });
  }
  await worker.kill();
  await workersForgotten(bed.database);

  await handOutAgain(bed.client);
  await bed.startWorker();
  for (const run of runs.values())
    expect(await run.handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
});

const runAfter = (place: string): FaultRun => {
  const run = runs.get(place);
  if (run === undefined) throw new Error(`no run was killed after ${place}`);
  return run;
};

describe.for(borders)('a worker that is killed between the step of $name and the next', ({ name, next }) => {
  test('has ended the one and not begun the other', () => {
    expect(before.get(name)?.filter(({ running }) => running)).toEqual([]);
    expect(before.get(name)?.at(-1)).toMatchObject({ activity: next, workerPid: 0 });
  });

  test('repeats nothing when it is started again', async () => {
    expect((await attemptsOf(runAfter(name))).filter(({ attempt }) => attempt > 1)).toEqual([]);
  });

  test('ends with the tables of a clean run', async () => {
    const { bed, clean } = scenario;
    await expectAsClean(bed.database, runAfter(name).sourceUuid, clean.sourceUuid);
  });
});

test('killed between its steps, a worker leaves no half-written object, and nothing is left after the sweep', async () => {
  expect(await expectNoOrphans(scenario.bed)).toBe(0);
});
