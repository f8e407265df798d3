import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { StartedRun } from '../../cli/start-run.ts';
import type { IngestManifestResult } from '../../domain/run.ts';
import { inTenantTransaction } from '../../platform/database.ts';
import { createArchiveFolder, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline, testNow } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { dayVersions, expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import {
  copyHalfWay,
  holdLabelSet,
  holdTable,
  longPodFile,
  podFileAlone,
  podStaging,
  runningCopies,
} from './held-load.ts';

/** Where a run stands when its worker is killed. */
const places = ['loading', 'split', 'aggregated'] as const;
type Place = (typeof places)[number];

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let payloads: Record<Place, Payload>;
const sources = new Map<string, string>();
const results = new Map<Place, IngestManifestResult>();

interface Ledger {
  registered: number;
  staged: number;
  stagedPodRows: number;
  summarised: number;
  uiDone: number;
}
/** before the kill, after it, and at the end */
const ledgers = new Map<string, Ledger>();

async function ledgerOf(cluster: string): Promise<Ledger> {
  return inTenantTransaction(pipeline.database.pool, pipeline.database.schema, async (client) => {
    const { rows } = await client.query<Ledger>(
      `select
           (select count(*) from ocp_piece where source_uuid = $1 and state = 'registered') as registered,
           (select count(*) from ocp_piece where source_uuid = $1 and state = 'staged') as staged,
           (select count(*) from ${podStaging} where source_uuid = $1) as "stagedPodRows",
           (select count(*) from ocp_day where source_uuid = $1) as summarised,
           (select count(*) from ocp_day where source_uuid = $1 and ui_version = version) as "uiDone"`,
      [sources.get(cluster)],
    );
    if (rows[0] === undefined) throw new Error('no ledger');
    return rows[0];
  });
}

async function start(cluster: string, payload: Payload): Promise<StartedRun> {
  sources.set(cluster, await pipeline.addSource(cluster));
  return pipeline.start({ payload: await folder.pack(withManifest(payload, { cluster_id: cluster })) });
}

/** Is somebody waiting to write to the table that is held? */
async function waitsForTable(table: string): Promise<boolean> {
  const { rowCount } = await pipeline.database.pool.query(
    `select 1 from pg_locks where not granted and relation = ($1 || '.' || $2)::regclass`,
    [pipeline.database.schema, table],
  );
  return rowCount !== 0;
}

const uiTable = 'reporting_ocp_cost_summary_p';

// One crash for all three runs: the server notices a lost activity by its heartbeats, after half a minute.
beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  const sample = await readPayload('operator-sample');
  // Makes the month's partitions; from here on the only worker is the one in the other process.
  await (await start('earlier', sample)).handle.result();
  pipeline.workers.stop();
  await pipeline.workers.finished;
  payloads = {
    loading: longPodFile(sample, 'held-in-the-middle'),
    split: podFileAlone(sample, 'held-from-the-start'),
    aggregated: await readPayload('nise-full_day1'),
  };
  const { database } = pipeline;
  const environment = {
    DATABASE_URL: database.url,
    OBJECT_STORE: pipeline.config.OBJECT_STORE ?? '',
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: pipeline.namespace,
    OCP_NOW: testNow,
  };
  const worker = await startWorkerProcess(environment);
  const holds = [
    await holdLabelSet(database, 'held-in-the-middle'),
    await holdLabelSet(database, 'held-from-the-start'),
    await holdTable(database, uiTable),
  ];
  const runs = new Map<Place, StartedRun>();
  for (const place of places) runs.set(place, await start(place, payloads[place]));
  await waitUntil(() => waitsForTable(uiTable));
  await waitUntil(async () => (await ledgerOf('loading')).staged === 5);
  // Both held loads: one in the middle, one before its first row.
  await waitUntil(async () => (await runningCopies(database, podStaging)).length === 2);
  await copyHalfWay(database);
  for (const place of places) ledgers.set(`${place} before`, await ledgerOf(place));

  await worker.kill();
  await Promise.all(holds.map((hold) => hold.release()));
  await waitUntil(async () => (await runningCopies(database, podStaging)).length === 0);
  await waitUntil(async () => !(await waitsForTable(uiTable)));
  for (const place of places) ledgers.set(`${place} after`, await ledgerOf(place));

  await startWorkerProcess(environment);
  for (const [place, run] of runs) results.set(place, await run.handle.result());
  for (const place of places) ledgers.set(`${place} end`, await ledgerOf(place));
  const clean = await Promise.all(places.map((place) => start(`clean-${place}`, payloads[place])));
  for (const run of clean) await run.handle.result();
});

describe('a worker that is killed with SIGKILL and started again', () => {
  test('in the middle of a COPY leaves no row of it behind', () => {
    expect(ledgers.get('loading before')).toMatchObject({ registered: 1, staged: 5, summarised: 0 });
    expect(ledgers.get('loading after')).toMatchObject({ registered: 1, staged: 5, stagedPodRows: 0 });
    expect(ledgers.get('loading end')).toMatchObject({
      registered: 0,
      staged: 6,
      stagedPodRows: 6_001,
      uiDone: 1,
    });
  });

  test('between split and load loads every piece once', () => {
    expect(ledgers.get('split before')).toMatchObject({
      registered: 1,
      staged: 0,
      stagedPodRows: 0,
      summarised: 0,
    });
    expect(ledgers.get('split end')).toMatchObject({ registered: 0, staged: 1, stagedPodRows: 5, uiDone: 1 });
  });

  test('between aggregation and the tables of reports rebuilds these alone', () => {
    expect(ledgers.get('aggregated before')).toMatchObject({ registered: 0, summarised: 1, uiDone: 0 });
    expect(ledgers.get('aggregated after')).toMatchObject({ summarised: 1, uiDone: 0 });
    expect(ledgers.get('aggregated end')).toMatchObject({ summarised: 1, uiDone: 1 });
  });

  test.for(places)('ends with the tables of a clean run (killed when %s)', async (place) => {
    const { database } = pipeline;
    expect(results.get(place)).toMatchObject({ outcome: 'completed', release: 'complete' });
    expectSameTables(
      await snapshotTables(database, sources.get(place) ?? ''),
      await snapshotTables(database, sources.get(`clean-${place}`) ?? ''),
    );
    expect(Object.values(await dayVersions(database, sources.get(place) ?? ''))).toEqual([1]);
  });
});
