import pg from 'pg';

import { inTenantTransaction } from '../../../platform/database/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { Target } from './fault-bed.ts';
import { places } from './places.ts';
import type { Place } from './places.ts';
import { atEnd } from '../../support/at-end.ts';

/** A closed gate: the run of one cluster waits there, in the middle of its transaction. */
export interface Gate {
  place: Place;
  target: Target;
  /** backend of the activity that waits here; undefined while none has come this far */
  waitingBackend(): Promise<number | undefined>;
  open(): Promise<void>;
}

/**
 * Put a gate at every place of a database: a trigger that takes a shared advisory lock, at once unless the test holds
 * the lock of this place and run. Nothing else about the program or its servers is changed.
 *
 * @returns how to close a gate for a cluster, before its run comes there
 */
export async function installGates(
  database: TestDatabase,
): Promise<(place: Place, target: Target) => Promise<Gate>> {
  const { pool, schema, url } = database;
  await pool.query(
    `create function public.wait_at_gate() returns trigger language plpgsql as $body$
     begin
         perform pg_advisory_xact_lock_shared(hashtextextended('gate:' || tg_argv[0] || ':' || (to_jsonb(new) ->> tg_argv[1]), 0));
         return new;
     end
     $body$`,
  );
  for (const [index, { name, table, event, when, key }] of places.entries())
    await pool.query(
      `create trigger gate_${index} before ${event} on ${table.includes('.') ? table : `${schema}.${table}`}
       for each row when (${when}) execute function public.wait_at_gate('${name}', '${key}')`,
    );
  // One session holds the locks of all closed gates; when the server crashes, all are open.
  let keeper: pg.Client | undefined;
  atEnd(() => keeper?.end());
  const connectedKeeper = async (): Promise<pg.Client> => {
    if (keeper !== undefined) return keeper;
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => (keeper = undefined));
    await client.connect();
    return (keeper = client);
  };
  return async (place, target) => {
    const lock = `gate:${place.name}:${valueOfKey(place, target)}`;
    await (await connectedKeeper()).query('select pg_advisory_lock(hashtextextended($1, 0))', [lock]);
    return {
      place,
      target,
      waitingBackend: () => waitingFor(database, lock),
      open: async () => {
        await (await connectedKeeper()).query('select pg_advisory_unlock(hashtextextended($1, 0))', [lock]);
      },
    };
  };
}

function valueOfKey(place: Place, target: Target): string {
  return place.key === 'request_id' ? target.clusterId : target.sourceUuid;
}

async function waitingFor({ pool }: TestDatabase, lock: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid
     from pg_locks, lateral (select hashtextextended($1, 0) as key) as gate
     where locktype = 'advisory'
         and not granted
         and (classid::bigint << 32) | objid::bigint = gate.key
         and database = (select oid from pg_database where datname = current_database())
     order by pid`,
    [lock],
  );
  return rows[0]?.pid;
}

/** Whether the work of the place's activity is committed for a run. */
export async function isCommitted(
  { pool, schema }: TestDatabase,
  place: Place,
  target: Target,
): Promise<boolean> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ yes: boolean | null }>(place.committed, [valueOfKey(place, target)]),
  );
  return rows[0]?.yes === true;
}

/** Wait until PostgreSQL has noticed that no worker is connected any more, and rolled back what they had begun. */
export async function workersForgotten({ pool }: TestDatabase): Promise<void> {
  await waitUntil(async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name like 'ocp-pipeline%'`,
    );
    return rowCount === 0;
  });
}
