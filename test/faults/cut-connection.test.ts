import { beforeAll, describe, expect, test } from 'vitest';
import { copyHalfWay, holdLabelSet, longPodFile, podStaging, runningCopies } from '../support/held-load.ts';
import { readPayload } from '../support/archives.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/wait-until.ts';
import { attemptsOf } from './support/attempts.ts';
import { createFaultBed } from './support/fault-bed.ts';
import type { FaultBed, FaultRun } from './support/fault-bed.ts';
import { expectNoOrphans } from './support/orphans.ts';
import { expectAsClean } from './support/tables-of-run.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';

/** Who notices first: the worker whose connection is reset, or a session that PostgreSQL ends. */
const ways = ['by the network', 'by PostgreSQL'] as const;

let bed: FaultBed;
const runs = new Map<string, FaultRun>();
const clean = new Map<string, FaultRun>();

beforeAll(async () => {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  const wayToPostgres = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(wayToPostgres.port);
  bed = await createFaultBed({ database });
  await bed.startWorker({ DATABASE_URL: url.href });
  const sample = await readPayload('operator-sample');

  const cut = {
    'by the network': async (pid: number) => {
      const { rows } = await database.pool.query<{ client_port: number }>(
        'select client_port from pg_stat_activity where pid = $1',
        [pid],
      );
      return wayToPostgres.cut(rows[0]?.client_port ?? 0);
    },
    'by PostgreSQL': async (pid: number) => {
      const { rows } = await database.pool.query<{ cut: boolean }>('select pg_terminate_backend($1) as cut', [
        pid,
      ]);
      return rows[0]?.cut === true;
    },
  };
  for (const way of ways) {
    const name = way.replaceAll(' ', '-');
    const app = `held-${name}`;
    const payload = longPodFile(sample, app);
    const held = await holdLabelSet(database, app);
    const run = await bed.start(await bed.addCluster(`cut-${name}`), payload);
    runs.set(way, run);
    const copy = await copyHalfWay(database);
    expect(await cut[way](copy.pid)).toBe(true);
    // The next attempt is on its way before the label set is free: it was the break that ended the first one.
    await copyHalfWay(database, copy.pid);
    await held.release();
    expect(await run.handle.result()).toMatchObject({ outcome: 'completed', rowCount: 6_016 });
    const uncut = await bed.start(await bed.addCluster(`uncut-${name}`), payload);
    await uncut.handle.result();
    clean.set(way, uncut);
  }
});

describe.for(ways)('a connection that is cut in the middle of a COPY, %s', (way) => {
  const runOf = (): FaultRun => {
    const run = runs.get(way);
    if (run === undefined) throw new Error('not cut');
    return run;
  };

  test('costs one more attempt', async () => {
    const repeated = (await attemptsOf(runOf())).filter(({ attempt }) => attempt > 1);
    expect(repeated).toMatchObject([{ activity: 'loadReportDay', attempt: 2 }]);
  });

  test('ends with the tables of a clean run', async () => {
    await expectAsClean(bed.database, runOf().sourceUuid, clean.get(way)?.sourceUuid ?? '');
  });
});

test('cut connections leave no COPY behind, and nothing is left after the sweep', async () => {
  await waitUntil(async () => (await runningCopies(bed.database, podStaging)).length === 0);
  await expectNoOrphans(bed);
});
