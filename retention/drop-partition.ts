import type { Pool, PoolClient } from 'pg';
import { inTenantTransaction } from '../platform/database/database.ts';
import { quoteIdentifier, quoteQualified } from '../platform/database/schema-names.ts';
import { loadSql } from '../platform/database/sql-files.ts';

/** A partition whose whole range has expired. */
export interface ExpiredPartition {
  parent: string;
  name: string;
  oid: string;
  /** first UTC day of the range, or `-infinity` */
  from_day: string;
  /** the UTC day after the last one of the range */
  until_day: string;
  /** whether it begins and ends at midnight UTC */
  aligned: boolean;
}

/** The outcome; `gone`: somebody else dropped it first. */
export type DropOutcome = 'dropped' | 'kept' | 'busy' | 'gone';

const expiredPartitionsSql = loadSql('retention/expired_partitions.sql');

/** Expired partitions of some tables, oldest first. */
export async function expiredPartitions(
  pool: Pool,
  schema: string,
  tables: readonly string[],
  cutoff: Date,
): Promise<ExpiredPartition[]> {
  return inTenantTransaction(
    pool,
    schema,
    async (client) =>
      (await client.query<ExpiredPartition>(expiredPartitionsSql, [schema, tables, cutoff])).rows,
  );
}

/** Transactions queued behind us wait as long as we wait. */
const firstLockTimeout = '2s';
/** Shorter than PostgreSQL's deadlock timeout: in case of a deadlock we are the ones who back off. */
const furtherLockTimeout = '500ms';

/**
 * Detach and drop one partition in one transaction. The table is locked first, while nothing else is held, and nothing
 * that a reader or a load holds is waited for afterwards. If Koku's register of partitions has a row, that goes first;
 * if the register has a trigger, the trigger drops the partition.
 *
 * @param mayDrop called when nobody can read or write the table any more; what it writes is part of the transaction
 * @returns `busy` if the lock could not be acquired in time: nothing was changed
 */
export async function dropPartition(
  pool: Pool,
  schema: string,
  partition: ExpiredPartition,
  mayDrop: (client: PoolClient) => Promise<boolean>,
  signal?: AbortSignal,
): Promise<DropOutcome> {
  const { parent, name, oid } = partition;
  try {
    return await inTenantTransaction(
      pool,
      schema,
      async (client) => {
        await client.query(`set local lock_timeout = '${firstLockTimeout}'`);
        await client.query(`lock table only ${quoteQualified(schema, parent)} in access exclusive mode`);
        if (!(await isAttached(client, oid))) return 'gone';
        await client.query(`set local lock_timeout = '${furtherLockTimeout}'`);
        await client.query(`lock table ${quoteQualified(schema, name)} in access exclusive mode`);
        if (!(await mayDrop(client))) return 'kept';
        await client.query(
          `delete from ${quoteIdentifier(schema)}.partitioned_tables where schema_name = $1 and table_name = $2`,
          [schema, name],
        );
        if (await isAttached(client, oid))
          await client.query(
            `alter table ${quoteQualified(schema, parent)} detach partition ${quoteQualified(schema, name)}`,
          );
        await client.query(`drop table if exists ${quoteQualified(schema, name)}`);
        return 'dropped';
      },
      signal,
    );
  } catch (error) {
    if (isBusy(error)) return 'busy';
    throw error;
  }
}

/** Whether PostgreSQL gave up because of somebody else's lock. */
export function isBusy(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '55P03' || code === '40P01';
}

async function isAttached(client: PoolClient, oid: string): Promise<boolean> {
  const { rows } = await client.query<{ attached: boolean }>(
    'select exists (select from pg_inherits where inhrelid = $1::oid) as attached',
    [oid],
  );
  return rows[0]?.attached === true;
}
