import { beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { startOwnTemporal } from './support/own-temporal.ts';
import { committedPlaces, createPlacesScenario } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';

let scenario: PlacesScenario;
const runs = new Map<string, FaultRun>();
let committedWithoutServer: string[] = [];

// The server goes while a run is inside each step; the steps end, and nobody can be told until it is back.
beforeAll(async () => {
  const temporal = await startOwnTemporal();
  scenario = await createPlacesScenario({ temporalAddress: temporal.address });
  const { bed } = scenario;
  const occupied = await scenario.occupy('unreported');
  await temporal.crash();
  for (const { gate } of occupied) await gate.open();
  await waitUntil(async () => (await committedPlaces(bed, occupied)).length === places.length);
  committedWithoutServer = await committedPlaces(bed, occupied);
  await temporal.restart();
  for (const { place, run } of occupied) runs.set(place.name, run);
  for (const { handle } of runs.values())
    expect(await handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
});

describe('a Temporal server that is killed in the middle of a run and started again', () => {
  test('does not stop a step that has begun', () => {
    expect(committedWithoutServer).toEqual(places.map(({ name }) => name));
  });

  test('finds the same worker again', () => {
    expect(scenario.worker.ended()).toBe(false);
  });

  test.for(places)('ends with the tables of a clean run ($name)', async ({ name }) => {
    const { sourceUuid } = runs.get(name) ?? { sourceUuid: '' };
    await expectAsClean(scenario.bed.database, sourceUuid, scenario.clean.sourceUuid);
  });

  test('leaves nothing that belongs to nothing after the sweep', async () => {
    expect(await expectNoOrphans(scenario.bed)).toBe(0);
  });
});
