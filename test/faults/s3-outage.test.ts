import type { S3Client } from '@aws-sdk/client-s3';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { startBucket } from '../servers/bucket.ts';
import { waitUntil } from '../support/wait-until.ts';
import { lastFailuresOf } from './support/attempts.ts';
import type { FaultRun } from './support/fault-bed.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { createPlacesScenario, startFetching } from './support/places-scenario.ts';
import type { PlacesScenario } from './support/places-scenario.ts';
import { places } from './support/places.ts';
import { expectAsClean } from './support/tables-of-run.ts';

const bucket = 'payloads';
const outageMs = 30_000;
/** Steps that need the object store: in the middle of splitting, and with pieces left to load. */
const struck = places.filter(({ name }) => name === 'splitting' || name === 'loading');

let scenario: PlacesScenario;
let client: S3Client;
const runs = new Map<string, FaultRun>();
/** what the runs said during the outage and at its end */
const failures = new Map<string, string>();
const endedDuringOutage: string[] = [];

beforeAll(async () => {
  const { server, credentials, client: own } = await startBucket(bucket);
  client = own;
  scenario = await createPlacesScenario({
    objectStoreUrl: `s3://${bucket}/ocp`,
    // One piece at a time: the others are read when the server is gone.
    environment: { S3_ENDPOINT: server.endpoint, OCP_LOAD_CONCURRENCY: '3', ...credentials },
  });
  const { run: fetching, server: payloads } = await startFetching(scenario, 'outage');
  const occupied = await scenario.occupy('outage', struck);
  for (const { place, run } of occupied) runs.set(place.name, run);
  runs.set('fetching', fetching);

  await server.kill();
  const since = performance.now();
  for (const { gate } of occupied) await gate.open();
  payloads.finishFirst();
  for (const [name, run] of runs)
    await waitUntil(async () => {
      failures.set(name, (await lastFailuresOf(run)).find((message) => message !== '') ?? '');
      return failures.get(name) !== '';
    });
  await waitUntil(() => performance.now() - since >= outageMs, 2 * outageMs);
  for (const [name, { handle }] of runs)
    if ((await handle.describe()).status.name !== 'RUNNING') endedDuringOutage.push(name);
  await server.start();
  for (const { handle } of runs.values())
    expect(await handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
});

describe.for([...struck.map(({ name }) => name), 'fetching'])(
  'an S3 server that is down for 30 s (%s)',
  (name) => {
    test('is what the run says it waits for', () => {
      expect(failures.get(name)).toMatch(
        /^Object store s3:\/\/payloads\/ocp at .* failed \(.*\); check S3_ENDPOINT/,
      );
      expect(endedDuringOutage).not.toContain(name);
    });

    test('is used again when it is back, with the tables of a clean run', async () => {
      const { sourceUuid } = runs.get(name) ?? { sourceUuid: '' };
      await expectAsClean(scenario.bed.database, sourceUuid, scenario.clean.sourceUuid);
    });
  },
);

test('an outage of the S3 server leaves no unfinished upload and nothing that belongs to nothing', async () => {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  expect(Uploads ?? []).toEqual([]);
  await expectNoOrphans(scenario.bed);
});
