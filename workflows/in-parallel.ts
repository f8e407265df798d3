import { failuresInParallel } from '../domain/run/in-parallel.ts';
import { firstToThrow } from './control-flow.ts';

/** Run `work` for every item, at most `limit` concurrently. A failure is thrown when the others have ended. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const errors = await failuresInParallel(items, limit, work);
  if (errors.length > 0) throw firstToThrow(errors);
}
