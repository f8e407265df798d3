import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { packPayload, readPayload, withManifest } from '../support/archives.ts';
import { waitUntil } from '../support/wait-until.ts';
import { lastFailuresOf } from './support/attempts.ts';
import { createFaultBed } from './support/fault-bed.ts';
import type { FaultBed, FaultRun, Target } from './support/fault-bed.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { startPayloadServer } from './support/payload-server.ts';
import { mountSmallDisk } from './support/small-disk.ts';
import { expectAsClean } from './support/tables-of-run.ts';

/**
 * What still fits onto the disk: no archive, or the archive and not all of its daily CSVs; and what the run says then.
 */
const cases = [
  ['the download', 8 * 1024, /disk is full/],
  [
    'the daily CSVs',
    300 * 1024,
    /writing data\/csv\/.* failed \(ENOSPC\); the disk is full; free some space/,
  ],
] as const;

let bed: FaultBed;
let clean: Target;
const runs = new Map<string, FaultRun>();
const failures = new Map<string, string>();
const halfWritten = new Map<string, string[]>();

beforeAll(async () => {
  const disk = await mountSmallDisk(8);
  bed = await createFaultBed({ objectStoreUrl: pathToFileURL(disk.directory).href });
  await bed.startWorker();
  const payload = await readPayload('nise-full_day1');
  clean = await bed.addCluster('clean');
  await (await bed.start(clean, payload)).handle.result();
  for (const [what, leftBytes] of cases) {
    const target = await bed.addCluster(`full-at-${what.replaceAll(' ', '-')}`);
    const server = await startPayloadServer(
      await packPayload(withManifest(payload, { cluster_id: target.clusterId })),
    );
    await disk.fill(leftBytes);
    const run = await bed.start(target, payload, { address: server.address });
    await waitUntil(() => server.requestCount() > 0);
    server.finishFirst();
    runs.set(what, run);
    await waitUntil(async () => {
      failures.set(what, (await lastFailuresOf(run)).join());
      return failures.get(what) !== '';
    });
    await disk.free();
    expect(await run.handle.result()).toMatchObject({ outcome: 'completed', release: 'complete' });
    halfWritten.set(what, await readdir(join(disk.directory, '.incoming')));
  }
});

describe.for(cases)('a disk that is too full for %s', ([what, , said]) => {
  test('costs attempts until there is space', () => {
    expect(failures.get(what)).toMatch(said);
  });

  test('leaves no half-written object once there is space, and the tables of a clean run', async () => {
    expect(halfWritten.get(what)).toEqual([]);
    const { sourceUuid } = runs.get(what) ?? { sourceUuid: '' };
    await expectAsClean(bed.database, sourceUuid, clean.sourceUuid);
  });
});

test('a full disk leaves nothing that belongs to nothing after the sweep', async () => {
  expect(await expectNoOrphans(bed)).toBe(0);
});
