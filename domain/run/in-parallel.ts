/**
 * Run `work` for every item, at most `limit` concurrently, and wait until all have ended. After a failure its runner
 * takes no further item; the others go on.
 *
 * @returns what they failed with; empty if every item is done
 */
export async function failuresInParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<unknown[]> {
  const queue = items[Symbol.iterator]();
  const runners = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const item of queue) await work(item);
  });
  const ended = await Promise.allSettled(runners);
  return ended.flatMap((runner) => (runner.status === 'rejected' ? [runner.reason as unknown] : []));
}
