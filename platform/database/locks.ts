import type { ClientBase } from 'pg';

/** Description of an advisory lock. */
interface LockFacts {
  /** prefix of the name; never changed: workers of two versions run side by side during an upgrade */
  text: string;
  /** what has one lock each; its id is the end of the name */
  of: string;
  /** who holds it, and why, as documented */
  held: string;
  /**
   * `tried`: "busy" is an ordinary result; `awaited`: the server waits for it, so its holder must be a short
   * transaction
   */
  taken: 'tried' | 'awaited';
}

/**
 * Every advisory lock. Each belongs to one database and is held until its transaction ends. A transaction that takes
 * two takes them in the order of this list: `source`, then one of those below it, whose holders take no further lock.
 * So deadlocks are impossible.
 */
export const locks = {
  migration: {
    text: 'ocp-pipeline:migrate:',
    of: 'schema',
    held: 'while a schema is migrated, so that only one process does it',
    taken: 'tried',
  },
  registration: {
    text: 'ocp-register:',
    of: 'organisation',
    held: 'while a cluster is registered, so that it gets one provider',
    taken: 'awaited',
  },
  partition: {
    text: 'ocp-pipeline:partition:',
    of: 'table, with its schema',
    held: 'while a partition is created, so that only one process does it; table locks follow',
    taken: 'awaited',
  },
  source: {
    text: 'ocp-source:',
    of: 'source',
    held: 'by every transaction that rewrites summaries or ledgers of a source',
    taken: 'tried',
  },
  tagValues: {
    text: 'ocp-tag-values:',
    of: 'schema',
    held: 'while tag values, which the sources of a tenant share, follow the label summaries',
    taken: 'awaited',
  },
  infrastructure: {
    text: 'ocp-infrastructure:',
    of: 'cloud provider',
    held: 'while a cluster is paired with the row of its cloud provider, which clusters share',
    taken: 'awaited',
  },
} as const satisfies Readonly<Record<string, LockFacts>>;

type LockTaken<How extends 'tried' | 'awaited'> = {
  [Name in keyof typeof locks]: (typeof locks)[Name]['taken'] extends How ? Name : never;
}[keyof typeof locks];

const keyOf = (name: keyof typeof locks, of: string): string => `${locks[name].text}${of}`;

/**
 * Try to acquire a lock until the transaction ends.
 *
 * @param of what the lock protects, as the list says
 * @returns false if another transaction holds it
 */
export async function tryLock(client: ClientBase, name: LockTaken<'tried'>, of: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as held',
    [keyOf(name, of)],
  );
  return rows[0]?.held === true;
}

/**
 * Acquire a lock until the transaction ends; waits for its holder, as long as `lock_timeout` allows.
 *
 * @param of what the lock protects, as the list says
 */
export async function awaitLock(client: ClientBase, name: LockTaken<'awaited'>, of: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [keyOf(name, of)]);
}

/** The holder of a lock, for people: process, program, address and since when. */
export async function lockHolder(client: ClientBase, name: keyof typeof locks, of: string): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(
    `select format(
                'process %s of the server, %s at %s, since %s',
                activity.pid,
                coalesce(nullif(activity.application_name, ''), 'unnamed'),
                coalesce(host(activity.client_addr), 'this machine'),
                to_char(activity.xact_start, 'YYYY-MM-DD HH24:MI:SS "UTC"')
            ) as holder
     from pg_locks as lock
     join pg_stat_activity as activity using (pid)
     where lock.locktype = 'advisory'
         and lock.granted
         and lock.database = (select oid from pg_database where datname = current_database())
         and (lock.classid::bigint << 32) | lock.objid::bigint = hashtextextended($1, 0)
         and lock.objsubid = 1`,
    [keyOf(name, of)],
  );
  return rows[0]?.holder ?? 'which has just finished';
}
