import { firstToThrow } from './control-flow.ts';

/** Run `work` for every item, at most `limit` concurrently. A failure is thrown when the others have ended. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const runners = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const item of queue) await work(item);
  });
  const ended = await Promise.allSettled(runners);
  const errors = ended.flatMap((runner) => (runner.status === 'rejected' ? [runner.reason as unknown] : []));
  if (errors.length > 0) throw firstToThrow(errors);
}
