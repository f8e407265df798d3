import { beforeAll, describe, expect, test } from 'vitest';
import { podStaging, runningCopies } from '../support/held-load.ts';
import { waitUntil } from '../support/wait-until.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { startOwnPostgres } from './support/own-postgres.ts';
import type { OwnPostgres } from './support/own-postgres.ts';
import { committedPlaces, createPlacesScenario } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';

const signals = [
  ['killed with SIGKILL', 'SIGKILL'],
  ['stopped at once (pg_ctl stop -m immediate)', 'SIGQUIT'],
] as const;
/** The middle of a COPY, and the end of an aggregation that is not committed. */
const struck = places.filter(({ name }) => name === 'loading' || name === 'aggregating');

let postgres: OwnPostgres;
let scenario: PlacesScenario;
const runs = new Map<string, FaultRun>();
const committed = new Map<string, string[]>();
const copiedRows = new Map<string, number>();

beforeAll(async () => {
  postgres = await startOwnPostgres();
  scenario = await createPlacesScenario({ database: postgres.database });
  const { bed } = scenario;
  for (const [, signal] of signals) {
    const occupied = await scenario.occupy(signal.toLowerCase(), struck);
    const copies = await runningCopies(bed.database, podStaging);
    copiedRows.set(signal, copies[0]?.rows ?? 0);
    await postgres.crash(signal);
    await postgres.restart();
    committed.set(signal, await committedPlaces(bed, occupied));
    // The gates are open: their locks went with the server.
    for (const { place, run } of occupied) {
      runs.set(`${place.name} ${signal}`, run);
      expect(await run.handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
    }
  }
});

describe.for(signals)(
  'a PostgreSQL that is %s in the middle of a COPY and of an aggregation',
  ([, signal]) => {
    test('has lost what was not committed, and rows had been copied', () => {
      expect(committed.get(signal)).toEqual([]);
      expect(copiedRows.get(signal)).toBeGreaterThan(0);
    });

    test.for(struck)(
      'is used again when it is back, with the tables of a clean run ($name)',
      async ({ name }) => {
        const { sourceUuid } = runs.get(`${name} ${signal}`) ?? { sourceUuid: '' };
        await expectAsClean(scenario.bed.database, sourceUuid, scenario.clean.sourceUuid);
      },
    );
  },
);

test('the worker outlives both crashes of PostgreSQL, and nothing is left after the sweep', async () => {
  expect(scenario.worker.ended()).toBe(false);
  await waitUntil(async () => (await runningCopies(scenario.bed.database, podStaging)).length === 0);
  await expectNoOrphans(scenario.bed);
});
