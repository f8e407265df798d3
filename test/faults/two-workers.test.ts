import { beforeAll, describe, expect, inject, test } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import { attemptsOf } from './support/attempts.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { createPlacesScenario, startFetching } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';
import type { WorkerProcess } from './support/worker-process.ts';

let scenario: PlacesScenario;
let second: WorkerProcess;
/** the frozen worker kept its transactions */
const waitedFor = new Map<string, FaultRun>();
/** PostgreSQL had given the frozen worker up */
const overtaken = new Map<string, FaultRun>();
/** runs that had ended while the first worker was frozen */
const endedMeanwhile = new Set<string>();
let firstSurvived = false;

// The first worker hangs inside every step, long enough to be given up; the second is given the same steps. Then the
// first goes on where it was, and both write.
beforeAll(async () => {
  const [host = '', port = ''] = inject('temporalAddress').split(':');
  const wayToTemporal = await startTcpProxy({ host, port: Number(port) });
  scenario = await createPlacesScenario({
    workerEnvironment: { TEMPORAL_ADDRESS: `127.0.0.1:${wayToTemporal.port}` },
  });
  const { bed, worker: first } = scenario;
  const kept = await scenario.occupy('kept');
  const lost = await scenario.occupy('lost');
  const { run: fetching, server } = await startFetching(scenario, 'lost');
  second = await bed.startWorker();
  first.freeze();
  // Else the server would give it the next steps too: it had asked for work before it froze.
  wayToTemporal.reset();
  // What a firewall or a keepalive does to connections of a machine that hangs.
  for (const { gate } of lost)
    await bed.database.pool.query('select pg_terminate_backend($1)', [await gate.waitingBackend()]);
  for (const { gate } of lost) await gate.open();
  for (const { place, run } of kept) waitedFor.set(place.name, run);
  for (const { place, run } of lost) overtaken.set(place.name, run);
  overtaken.set('fetching', fetching);

  for (const [place, { handle }] of overtaken) {
    await handle.result();
    endedMeanwhile.add(place);
  }
  for (const { place, run } of kept) await waitUntil(() => isOnSecond(run, place.activity), 180_000);
  server.finishFirst();
  for (const { gate } of kept) await gate.open();
  first.thaw();
  for (const { handle } of waitedFor.values()) await handle.result();
  // It is as good as new: it does what comes next.
  await second.kill();
  const next = await bed.start(await bed.addCluster('afterwards'), scenario.payload);
  await next.handle.result();
  firstSurvived = !first.ended();
});

/** Whether the second worker was given the activity that the first is still in. */
async function isOnSecond(run: FaultRun, activity: string): Promise<boolean> {
  const attempts = await attemptsOf(run);
  return attempts.some(
    (found) => found.activity === activity && found.attempt > 1 && found.workerPid === second.pid,
  );
}

describe('two workers in the same step of a run, of which the first was given up too early', () => {
  test('are both alive afterwards', () => {
    expect(firstSurvived).toBe(true);
  });

  test.for(places)('do not overtake each other while both are connected ($name)', async ({ name }) => {
    const { sourceUuid } = waitedFor.get(name) ?? { sourceUuid: '' };
    await expectAsClean(scenario.bed.database, sourceUuid, scenario.clean.sourceUuid);
  });

  test.for([...places.map(({ name }) => name), 'fetching'])(
    'write the same once, the first after the second has ended the run (%s)',
    async (name) => {
      expect(endedMeanwhile).toContain(name);
      const { sourceUuid } = overtaken.get(name) ?? { sourceUuid: '' };
      await expectAsClean(scenario.bed.database, sourceUuid, scenario.clean.sourceUuid);
    },
  );

  test('leave nothing that belongs to nothing after the sweep', async () => {
    await expectNoOrphans(scenario.bed);
  });
});
