import { beforeAll, describe, expect, inject, test } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import { attemptsOf } from './support/attempts.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { workersForgotten } from './support/gates.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { committedPlaces, createPlacesScenario } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';

let scenario: PlacesScenario;
const runs = new Map<string, FaultRun>();

// One SIGKILL for all runs: each has committed the work of another step, and Temporal does not know it yet.
beforeAll(async () => {
  const [host = '', port = ''] = inject('temporalAddress').split(':');
  const wayToTemporal = await startTcpProxy({ host, port: Number(port) });
  scenario = await createPlacesScenario({
    workerEnvironment: { TEMPORAL_ADDRESS: `127.0.0.1:${wayToTemporal.port}` },
  });
  const { bed, worker } = scenario;
  const occupied = await scenario.occupy('killed');
  wayToTemporal.block();
  for (const { gate } of occupied) await gate.open();
  const all = places.map(({ name }) => name);
  await waitUntil(async () => (await committedPlaces(bed, occupied)).length === all.length);
  await worker.kill();
  // The connections of a killed process break; behind a blocked way the server would wait for it to ask for more work.
  wayToTemporal.reset();
  await workersForgotten(bed.database);

  await bed.startWorker();
  for (const { place, run } of occupied) runs.set(place.name, run);
  for (const run of runs.values())
    expect(await run.handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
});

const runAt = (place: string): FaultRun => {
  const run = runs.get(place);
  if (run === undefined) throw new Error(`no run was killed after the commit of ${place}`);
  return run;
};

describe('a worker that is killed after it committed a step and before it could say so', () => {
  test.for(places)('does the step of $name a second time', async ({ name, activity }) => {
    const repeated = (await attemptsOf(runAt(name))).filter(({ attempt }) => attempt > 1);
    expect(repeated.map((found) => found.activity)).toContain(activity);
  });

  test.for(places)('ends with the tables of a clean run (step of $name)', async ({ name }) => {
    const { bed, clean } = scenario;
    await expectAsClean(bed.database, runAt(name).sourceUuid, clean.sourceUuid);
  });

  test('leaves nothing that belongs to nothing after the sweep', async () => {
    await expectNoOrphans(scenario.bed);
  });
});
