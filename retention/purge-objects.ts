import { failuresInParallel } from '../domain/run/in-parallel.ts';
import type { PurgedCounts, Tenant } from '../domain/run/cleanup.ts';
import { startOfDayMs } from '../domain/time/usage-day.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { openLake } from '../engines/trino/lake.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

const expiredPayloadsSql = loadSql('retention/expired_payloads.sql');

const batchSize = 100;
/** Objects deleted per batch. */
const concurrency = 8;
/**
 * Of a file of ours (engines/trino/lake-tables.ts and iceberg-tables.ts name them): those of a Koku that shares the
 * bucket lie in the same folders.
 */
const monthOfLakeKey =
  /\/OCP\/[a-z_]+\/source=[^/]+\/year=(\d{4}\/month=\d{2})\/(?:\d{4}-\d{2}-\d{2}-\d+-[0-9a-f]{16}\.parquet|_iceberg-[0-9a-f-]{36}\/.+)$/;
const monthOfKey = /\/year=(\d{4})\/month=(\d{2})\//;

/** What to remove from an archive, and how progress is reported. */
export interface PurgeOfObjects {
  firstDayKept: UsageDay;
  signal: AbortSignal;
  /** called after each batch, so that an attempt that ends early has counted what it removed */
  removed: (more: Partial<PurgedCounts>) => void;
}

/**
 * Remove daily CSVs and lists of rejected rows of the months before `firstDayKept`, by the month in their keys.
 * Rerun: finds nothing.
 */
export async function purgeDailyCsvs(
  deps: ActivityDependencies,
  schema: string,
  { firstDayKept, signal, removed }: PurgeOfObjects,
): Promise<void> {
  const account = schema.replace(/^acct/, '');
  const expired: string[] = [];
  const removeListed = () => removeObjects(deps, expired.splice(0), signal, removed);
  for await (const { key } of deps.objectStore.list(`data/csv/${account}/OCP/source=`)) {
    signal.throwIfAborted();
    const [, year = '', month = ''] = monthOfKey.exec(key) ?? [];
    if (year === '' || `${year}-${month}-01` >= firstDayKept) continue;
    expired.push(key);
    if (expired.length === batchSize) await removeListed();
  }
  await removeListed();
}

/**
 * Remove the lake's files of the months before `firstDayKept`; their partitions are dropped first, so that no query
 * opens a file that goes. Without Trino only the files go; who knows it drops the partitions that were left so. Who has
 * no file in the lake is not looked for there. Rerun: finds nothing.
 */
export async function purgeLake(
  deps: ActivityDependencies,
  schema: string,
  { firstDayKept, signal, removed }: PurgeOfObjects,
): Promise<void> {
  const tables = deps.config.TRINO_URL === undefined ? undefined : openLake(deps.config).tables;
  const account = schema.replace(/^acct/, '');
  const expired: string[] = [];
  let hasFiles = false;
  for await (const { key } of deps.objectStore.list(`data/parquet/${account}/OCP/`)) {
    signal.throwIfAborted();
    const [, month] = monthOfLakeKey.exec(key) ?? [];
    if (month === undefined) continue;
    hasFiles = true;
    if (isExpired(month.replace('/month=', '-'), firstDayKept)) expired.push(key);
  }
  if (tables !== undefined && hasFiles)
    for (const partition of await tables.listPartitions(schema, { signal }))
      if (isExpired(partition.month, firstDayKept)) await tables.dropPartition(partition, { signal });
  while (expired.length > 0) await removeObjects(deps, expired.splice(0, batchSize), signal, removed);
}

/** @param month YYYY-MM */
function isExpired(month: string, firstDayKept: UsageDay): boolean {
  return `${month}-01` < firstDayKept;
}

/**
 * Remove raw payloads that were received before `firstDayKept`: first the object, then its inbox row, so that a
 * remaining row identifies an object to retry. Then remove archives of the same age under the tenant's prefix that have
 * no row.
 */
export async function purgePayloads(
  deps: ActivityDependencies,
  { orgId }: Tenant,
  { firstDayKept, signal, removed }: PurgeOfObjects,
): Promise<void> {
  const prefix = `payloads/${orgId}/`;
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await deps.pool.query<{ id: string; object_key: string | null }>(expiredPayloadsSql, [
      orgId,
      firstDayKept,
      batchSize,
    ]);
    if (rows.length === 0) break;
    // An archive in another place was not stored by us.
    const keys = rows.flatMap(({ object_key: key }) => (key?.startsWith(prefix) === true ? [key] : []));
    await removeObjects(deps, keys, signal, removed);
    const deleted = await deps.pool.query('delete from public.payload_inbox where id = any($1)', [
      rows.map(({ id }) => id),
    ]);
    removed({ payloadCount: deleted.rowCount ?? 0 });
  }
  for await (const { key, lastModified } of deps.objectStore.list(prefix)) {
    signal.throwIfAborted();
    if (lastModified.getTime() >= startOfDayMs(firstDayKept)) continue;
    const { rows } = await deps.pool.query('select from public.payload_inbox where object_key = $1 limit 1', [
      key,
    ]);
    if (rows.length === 0) await removeObjects(deps, [key], signal, removed);
  }
}

async function removeObjects(
  deps: ActivityDependencies,
  keys: readonly string[],
  signal: AbortSignal,
  removed: PurgeOfObjects['removed'],
): Promise<void> {
  const errors = await failuresInParallel(keys, concurrency, async (key) => {
    signal.throwIfAborted();
    await deps.objectStore.delete(key);
    removed({ objectCount: 1 });
  });
  if (errors.length > 0) throw errors[0];
}
