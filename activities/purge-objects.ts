import type { Tenant } from '../domain/cleanup.ts';
import type { UsageDay } from '../domain/usage-day.ts';
import { startOfDayMs } from '../domain/usage-day.ts';
import { loadSql } from '../platform/sql-files.ts';
import type { ActivityDependencies } from './dependencies.ts';

const expiredPayloadsSql = loadSql('cleanup/expired_payloads.sql');

const batchSize = 100;
/** Objects deleted at a time. */
const concurrency = 8;
const monthOfKey = /\/year=(\d{4})\/month=(\d{2})\//;

/**
 * Remove daily CSVs and lists of rejected rows of the months before `firstDayKept`, by the month in their keys.
 * Rerun: finds nothing.
 */
export async function purgeDailyCsvs(
  deps: ActivityDependencies,
  schema: string,
  firstDayKept: UsageDay,
  signal: AbortSignal,
): Promise<number> {
  const account = schema.replace(/^acct/, '');
  const expired: string[] = [];
  let removedCount = 0;
  const removeListed = async () => {
    removedCount += await removeObjects(deps, expired.splice(0), signal);
  };
  for await (const { key } of deps.objectStore.list(`data/csv/${account}/OCP/source=`)) {
    signal.throwIfAborted();
    const [, year = '', month = ''] = monthOfKey.exec(key) ?? [];
    if (year === '' || `${year}-${month}-01` >= firstDayKept) continue;
    expired.push(key);
    if (expired.length === batchSize) await removeListed();
  }
  await removeListed();
  return removedCount;
}

/**
 * Remove raw payloads that were received before `firstDayKept`: first the object, then its inbox row, so that a row that
 * is left names an object to try again. Then archives under the tenant's prefix that are as old and have no row.
 */
export async function purgePayloads(
  deps: ActivityDependencies,
  { orgId }: Tenant,
  firstDayKept: UsageDay,
  signal: AbortSignal,
): Promise<{ payloadCount: number; objectCount: number }> {
  const prefix = `payloads/${orgId}/`;
  let payloadCount = 0;
  let objectCount = 0;
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await deps.pool.query<{ id: string; object_key: string | null }>(expiredPayloadsSql, [
      orgId,
      firstDayKept,
      batchSize,
    ]);
    if (rows.length === 0) break;
    // An archive that lies elsewhere was not put there by us.
    const keys = rows.flatMap(({ object_key: key }) => (key?.startsWith(prefix) === true ? [key] : []));
    objectCount += await removeObjects(deps, keys, signal);
    const removed = await deps.pool.query('delete from public.payload_inbox where id = any($1)', [
      rows.map(({ id }) => id),
    ]);
    payloadCount += removed.rowCount ?? 0;
  }
  for await (const { key, lastModified } of deps.objectStore.list(prefix)) {
    signal.throwIfAborted();
    if (lastModified.getTime() >= startOfDayMs(firstDayKept)) continue;
    const { rows } = await deps.pool.query('select from public.payload_inbox where object_key = $1 limit 1', [
      key,
    ]);
    if (rows.length === 0) objectCount += await removeObjects(deps, [key], signal);
  }
  return { payloadCount, objectCount };
}

async function removeObjects(
  deps: ActivityDependencies,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const queue = keys[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: Math.min(concurrency, keys.length) }, async () => {
      for (const key of queue) {
        signal.throwIfAborted();
        await deps.objectStore.delete(key);
      }
    }),
  );
  return keys.length;
}
