import { log } from '@temporalio/activity';
import { forgetAnswers } from '../platform/cache/api-cache.ts';
import { recordCacheClearing } from '../platform/observability/metrics.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/**
 * The tables of a tenant have changed: let Koku's API compute its answers anew. The last thing that an activity does,
 * so that an attempt that dies before it repeats it. Never fails: at worst answers are an hour old.
 */
export async function forgetCachedAnswers({ config }: ActivityDependencies, schema: string): Promise<void> {
  const forgotten = await forgetAnswers(config, schema);
  if (forgotten.outcome === 'not configured') return;
  recordCacheClearing(forgotten.outcome);
  if (forgotten.outcome === 'failed')
    log.warn("the cache of Koku's API still has answers of before this run, for an hour at most", {
      schema,
      problem: forgotten.problem,
    });
}
