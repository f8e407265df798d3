import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { beforeAll, expect, test, vi } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { enterInbox } from '../../payload/inbox.ts';
import { loadConfig } from '../../platform/config/config.ts';
import { payloadKey } from '../../platform/object-store/object-keys.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { packPayload, withManifest } from '../support/archives.ts';
import type { Payload } from '../support/archives.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { enabledLabelKeys, generatedCluster, hoursOf, rowsOf } from '../support/generated-cluster.ts';
import type { GeneratedCluster } from '../support/generated-cluster.ts';
import { withMachines } from '../support/generated-machines.ts';
import { buildPayload } from '../support/payload-builder.ts';
import type { ReportRow, ReportRows } from '../support/payload-builder.ts';
import { testEnvironment } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';
import { waitUntil } from '../support/wait-until.ts';
import { numbersToABillionth, relationsOf, trinoEnvironment } from './lake.ts';
import { onMortalWorker } from './mortal-worker.ts';
import type { Fate, WorkerServers } from './mortal-worker.ts';

/*
 * Pieces arrive in any order, newer content replaces older or counts in some hours only, and workers die at any
 * request: between plan, query and apply, or between the upload of a Parquet file and its record. The tables are those
 * of PostgreSQL, which gets the same payloads in order and has no accident.
 */
vi.setConfig({ testTimeout: 3_600_000 });
numbersToABillionth();

/**
 * More in a long run: `TRINO_PROPERTY_RUNS=100 TRINO_PROPERTY_SEED=7 npm run test:trino test/trino/arrival.test.ts`.
 */
const runs = Number(process.env['TRINO_PROPERTY_RUNS'] ?? 3);
const seed = Number(process.env['TRINO_PROPERTY_SEED'] ?? 1502);
const month = billingMonth('2026-10');

/** A part of a cluster's hours, as one manifest. */
interface PlannedPayload {
  first: number;
  last: number;
  daily: boolean;
  /** its numbers differ by this factor from those of other payloads */
  factor: number;
  filesPerKind: number;
  /** minutes after the end of October: of equal hours the latest counts */
  sentAt: number;
}

/** What goes wrong, one after the other; `plan`, `query` and `apply`: where the worker of an attempt dies. */
const troubles = ['overtaken', 'file lost', 'plan', 'query', 'apply'] as const;

const payload: fc.Arbitrary<PlannedPayload> = fc.record({
  first: fc.nat(11),
  last: fc.nat(11),
  daily: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  factor: fc.constantFrom(1, 1, 2, 0.5),
  filesPerKind: fc.integer({ min: 1, max: 2 }),
  sentAt: fc.nat(3),
});

/** The first request is always reached; most attempts make as many as the last one. Requests are counted from 1. */
const request = (max: number) => fc.integer({ min: 1, max });

const story = fc.record({
  // Hours enough for payloads that overlap.
  cluster: generatedCluster.filter(({ dayCount, hoursPerDay }) => dayCount * hoursPerDay >= 4),
  payloads: fc.array(payload, { minLength: 2, maxLength: 3 }),
  order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
  /** before which request the worker that loads the first piece dies */
  loadDiesBefore: request(20),
  troubles: fc.shuffledSubarray([...troubles], { minLength: troubles.length }),
  /** after how many of them a payload arrives between attempts */
  anotherArrivesAfter: fc.nat(troubles.length),
  /** before which request to Trino a payload arrives during an attempt */
  overtakenBefore: request(20),
  diesBefore: fc.record({ plan: request(40), query: request(60), apply: request(40) }),
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

/** How often it really happened: a worker may be done before its time. */
const happened = { 'load died': 0, overtaken: 0, 'file lost': 0, plan: 0, query: 0, apply: 0 };
let database: TestDatabase;
let trino: WorkerServers;
let postgres: WorkerServers;

beforeAll(async () => {
  database = await createTestDatabase();
  const lake = await trinoEnvironment();
  const objectStore = openObjectStore({ url: lake['OBJECT_STORE'] ?? '', s3: {} });
  const servers = (engine: Record<string, string>): WorkerServers => ({
    databaseUrl: database.url,
    objectStore,
    config: loadConfig({ ...testEnvironment, ...lake, DATABASE_URL: database.url, ...engine }),
  });
  trino = servers({ OCP_POSTGRES_PIPELINE: 'false' });
  postgres = servers({});
  await setTagKeys(database.pool, database.schema, enabledLabelKeys, true);
});

/** Rows of some hours, of which the measured numbers of pods and volumes are multiplied. */
function partOf(rows: ReportRows, hours: ReadonlySet<string>, factor: number): ReportRows {
  const scaled = (row: ReportRow): ReportRow => ({
    ...row,
    ...Object.fromEntries(
      ['pod_usage_cpu_core_seconds', 'persistentvolumeclaim_usage_byte_seconds'].flatMap((name) =>
        typeof row[name] === 'number' ? [[name, row[name] * factor]] : [],
      ),
    ),
  });
  return Object.fromEntries(
    Object.entries(rows).map(([kind, ofKind]) => [
      kind,
      ofKind.filter(({ hour }) => hours.has(hour)).map(scaled),
    ]),
  );
}

function payloadsOf(cluster: GeneratedCluster, planned: readonly PlannedPayload[]): Payload[] {
  const rows = withMachines(rowsOf(cluster));
  const hours = hoursOf(cluster);
  // The first one begins with the first hour, in which a pod runs, so that there is something to summarise.
  return planned.map(({ first, last, daily, factor, filesPerKind, sentAt }, index) => {
    const ends = [index === 0 ? 0 : first % hours.length, last % hours.length].sort((a, b) => a - b);
    const own = hours.slice(ends[0], (ends[1] ?? 0) + 1);
    const part = partOf(rows, new Set(own), factor);
    const isEmpty = Object.values(part).every((ofKind) => ofKind.length === 0);
    return buildPayload(isEmpty ? rows : part, {
      dailyReports: daily,
      filesPerKind,
      date: `2026-11-01T00:0${sentAt}:00Z`,
    });
  });
}

/** Take a payload in; the worker that loads the first piece may die. */
async function arrive(
  servers: WorkerServers,
  { clusterId, payload: sent }: { clusterId: string; payload: Payload },
  loadFate: Fate = {},
): Promise<void> {
  const { schema, orgId, pool } = database;
  const run = <Input, Result>(
    choose: (activities: Activities) => (input: Input) => Promise<Result>,
    input: Input,
  ) => onMortalWorker(servers, choose, input) as Promise<Result>;
  const requestId = randomUUID();
  const objectKey = payloadKey(orgId, requestId);
  const archive = await packPayload(withManifest(sent, { cluster_id: clusterId }));
  await servers.objectStore.put(objectKey, Readable.from([archive]));
  const entry = { orgId, requestId, way: 'command', origin: 'file', awaitsStart: false, objectKey } as const;
  const { id: inboxId } = await enterInbox(pool, entry);
  const downloaded = await run((own) => own.downloadPayload, { inboxId });
  if (downloaded.outcome === 'ignored') throw new Error(`the payload was ignored: ${downloaded.reason}`);
  const { manifestId, months } = await run((own) => own.splitPayload, {
    inboxId,
    payload: downloaded.payload,
  });
  await run((own) => own.ensurePartitions, { schema, months });
  const { pieceIds } = await run((own) => own.pendingPieces, { schema, manifestId, requestId });
  for (const [index, pieceId] of pieceIds.entries()) {
    // The first one fails, and is tried again with the others.
    if (index === 0 && loadFate.diesBefore !== undefined) {
      const loaded = await onMortalWorker(servers, (own) => own.loadReportDay, { schema, pieceId }, loadFate);
      if (loaded === undefined) happened['load died'] += 1;
    }
    await run((own) => own.loadReportDay, { schema, pieceId });
  }
  const { release } = await run((own) => own.completeManifest, { schema, manifestId, giveUpWaiting: false });
  expect(release).toBe('complete');
}

/** One attempt, after which missing pieces are loaded. @returns what came of it; undefined if the worker died */
async function aggregate(
  servers: WorkerServers,
  sourceUuid: string,
  fate: Fate = {},
): Promise<'done' | 'busy' | 'missing' | undefined> {
  const input = { schema: database.schema, sourceUuid, month };
  const answer = await onMortalWorker(servers, (own) => own.aggregateDays, input, fate);
  if (answer?.outcome === 'missing')
    for (const pieceId of answer.pieceIds)
      await onMortalWorker(servers, (own) => own.loadReportDay, { schema: database.schema, pieceId });
  if (answer?.outcome === 'elsewhere') throw new Error('no worker of the engine');
  return answer?.outcome;
}

/** Labels and report tables. */
async function finish(servers: WorkerServers, sourceUuid: string): Promise<void> {
  const input = { schema: database.schema, sourceUuid, month };
  await waitUntil(async () => (await aggregate(servers, sourceUuid)) === 'done');
  for (const step of ['applyTagMapping', 'applyCostModel'] as const)
    expect(await onMortalWorker(servers, (own) => own[step], input)).toMatchObject({ outcome: 'done' });
}

interface Source {
  clusterId: string;
  sourceUuid: string;
}

async function addSource(): Promise<Source> {
  const clusterId = `cluster-${randomUUID().slice(0, 8)}`;
  const { sourceUuid } = await registerSource(
    { pool: database.pool, databaseUrl: database.url, log: { info: () => undefined } },
    { orgId: database.orgId, clusterId, name: clusterId },
  );
  return { clusterId, sourceUuid };
}

/** Remove a file of the lake, if one is there. */
async function loseFile(sourceUuid: string): Promise<void> {
  for await (const { key } of trino.objectStore.list('data/parquet/'))
    if (key.includes(sourceUuid)) {
      await trino.objectStore.delete(key);
      return;
    }
}

/** As after a restore of the database: the relations have to be built again, so that the next attempt has work. */
async function forgetRelations(sourceUuid: string): Promise<void> {
  const statement = `update ${database.schema}.ocp_day set relations_hash = null where source_uuid = $1`;
  await database.pool.query(statement, [sourceUuid]);
}

/** Payloads arrive, and everything goes wrong once. */
async function live({ sourceUuid, clusterId }: Source, sent: readonly Payload[], told: Story): Promise<void> {
  const coming = [...sent];
  const next = async (loadFate: Fate = {}) => {
    const one = coming.shift();
    if (one === undefined) return;
    await arrive(trino, { clusterId, payload: one }, loadFate);
  };
  await next({ diesBefore: { request: told.loadDiesBefore } });
  for (const [index, trouble] of told.troubles.entries()) {
    // One is left to overtake an attempt.
    const isSpare = coming.length > 1 || told.troubles.indexOf('overtaken') < index;
    if (index === told.anotherArrivesAfter && isSpare) await next();
    await forgetRelations(sourceUuid);
    if (trouble === 'overtaken') {
      const overtake = async () => {
        await next();
        happened.overtaken += 1;
      };
      await aggregate(trino, sourceUuid, { interrupted: { before: told.overtakenBefore, by: overtake } });
    } else if (trouble === 'file lost') {
      await loseFile(sourceUuid);
      if ((await aggregate(trino, sourceUuid)) === 'missing') happened['file lost'] += 1;
    } else {
      const diesBefore = { stage: trouble, request: told.diesBefore[trouble] };
      if ((await aggregate(trino, sourceUuid, { diesBefore })) === undefined) happened[trouble] += 1;
    }
  }
  while (coming.length > 0) await next();
}

test('whatever arrives when, and whoever dies where: the tables are those of one run of PostgreSQL', async () => {
  const property = fc.asyncProperty(story, async (told) => {
    const { cluster, payloads: planned, order } = told;
    const sent = payloadsOf(cluster, planned);
    const [ofTrino, ofPostgres] = [await addSource(), await addSource()];
    const shuffled = order.flatMap((index) => sent[index] ?? []);
    await live(ofTrino, shuffled, told);
    await finish(trino, ofTrino.sourceUuid);
    for (const one of sent) await arrive(postgres, { clusterId: ofPostgres.clusterId, payload: one });
    await finish(postgres, ofPostgres.sourceUuid);
    expect(await relationsOf(database, ofTrino.sourceUuid)).toEqual(
      await relationsOf(database, ofPostgres.sourceUuid),
    );
    const [found, expected] = [
      new Map(await snapshotTables(database, ofTrino.sourceUuid)),
      new Map(await snapshotTables(database, ofPostgres.sourceUuid)),
    ];
    // These only grow, also by what was replaced later.
    for (const name of ['reporting_ocp_projects', 'reporting_ocp_pvcs']) {
      found.delete(name);
      expected.delete(name);
    }
    expectSameTables(found, expected);
  });
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: runs <= 3 });
});

test('Trino made the relations of one, PostgreSQL those of the other, some from a part of a piece', async () => {
  const { rows } = await database.pool.query<{
    engine: string;
    staged: boolean;
    in_lake: boolean;
    parts: boolean;
  }>(
    `select engine, bool_or(piece.state = 'staged') as staged, bool_or(lake.piece_id is not null) as in_lake,
         bool_or(piece.live_hours > 0 and piece.live_hours <> piece.hour_mask) as parts
     from ${database.schema}.ocp_source_month as month
     join ${database.schema}.ocp_piece as piece using (source_uuid)
     left join ${database.schema}.ocp_lake_piece as lake using (piece_id)
     group by engine order by engine`,
  );
  expect(rows).toEqual([
    { engine: 'postgres', staged: true, in_lake: false, parts: true },
    { engine: 'trino', staged: false, in_lake: true, parts: true },
  ]);
});

test('everything went wrong at least once', () => {
  expect(Object.entries(happened).filter(([, count]) => count === 0)).toEqual([]);
});
