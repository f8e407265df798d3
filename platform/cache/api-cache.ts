import type { Redis } from 'ioredis';
import type { Config } from '../config/config.ts';

/** How long the cache may take to connect, and to answer a command; milliseconds. */
const patienceMs = { connect: 3_000, command: 5_000 };
/** How long all of it may take: answers expire after an hour anyway. */
const wholePatienceMs = 30_000;
/** Keys looked at per step: a step is short, and other clients are served between two of them. */
const scanCount = 1_000;

/** What became of a tenant's cached answers. */
export type Forgotten =
  | { outcome: 'not configured' }
  | { outcome: 'deleted'; keyCount: number }
  | { outcome: 'failed'; problem: string };

/**
 * Delete the answers of Koku's API about a tenant from its cache (INTAKE §5): those whose key contains the name of the
 * tenant's schema. The cache is walked in small steps and never blocked. A cache that does not answer is no error: its
 * entries expire.
 */
export async function forgetAnswers(
  { CACHE_URL: url }: Pick<Config, 'CACHE_URL'>,
  schema: string,
): Promise<Forgotten> {
  if (url === undefined) return { outcome: 'not configured' };
  try {
    return { outcome: 'deleted', keyCount: await deleteKeysOf(url, schema) };
  } catch (error) {
    return { outcome: 'failed', problem: problemOf(error) };
  }
}

/** Whether the cache answers; for `doctor`. @returns the number of its keys, or what is wrong, without secrets */
export async function checkCache(url: string): Promise<{ keyCount: number } | { problem: string }> {
  try {
    return { keyCount: await withCache(url, (cache) => cache.dbsize()) };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

async function deleteKeysOf(url: string, schema: string): Promise<number> {
  const isOurs = containing(schema);
  return withCache(url, async (cache) => {
    const deadline = performance.now() + wholePatienceMs;
    let keyCount = 0;
    let cursor = '0';
    do {
      const [next, keys] = await cache.scan(cursor, 'MATCH', `*${schema}*`, 'COUNT', scanCount);
      const found = keys.filter(isOurs);
      if (found.length > 0) keyCount += await cache.unlink(...found);
      cursor = next;
      if (performance.now() > deadline && cursor !== '0')
        throw new Error(`not through after ${wholePatienceMs / 1_000} s`);
    } while (cursor !== '0');
    return keyCount;
  });
}

/** Keys of `org12` are not those of `org1`. */
function containing(schema: string): (key: string) => boolean {
  const whole = new RegExp(`(?<![A-Za-z0-9])${schema}(?![A-Za-z0-9])`);
  return (key) => whole.test(key);
}

/** Connect, work, and close. The client is loaded here: most installations have no cache. */
async function withCache<T>(url: string, work: (cache: Redis) => Promise<T>): Promise<T> {
  const { Redis: Client } = await import('ioredis');
  const cache = new Client(url, {
    lazyConnect: true,
    connectTimeout: patienceMs.connect,
    commandTimeout: patienceMs.command,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let problem: unknown;
  // Says more than the command that fails because of it.
  cache.on('error', (error: unknown) => (problem ??= error));
  try {
    await cache.connect();
    return await work(cache);
  } catch (error) {
    throw problem ?? error;
  } finally {
    cache.disconnect();
  }
}

/** Errors of the client name host and port, and the server's name no values of ours. */
function problemOf(error: unknown): string {
  const reasons = error instanceof AggregateError ? error.errors : [error];
  return reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason))).join('; ');
}
