import { randomUUID } from 'node:crypto';
import { inTenantTransaction, RollBack } from '../../platform/database/database.ts';
import { tryLock } from '../../platform/database/locks.ts';
import { lockStaging } from '../../summary/staging-lock.ts';
import { refreshStagingStatistics } from '../../summary/staging-statistics.ts';
import { comparableDays, compareWaiting } from '../comparison.ts';
import type { ComparedDay } from '../comparison.ts';
import { contiguousRanges } from '../day-ranges.ts';
import type { CompareDays } from '../engine.ts';

/**
 * Rebuild the relations of days from staging, compare them with what was there, and roll everything back: nobody ever
 * sees them. It holds the source's lock meanwhile, as a rebuild does, so that a run of the source waits for it.
 */
export const compareDaysFromStaging: CompareDays = async ({ pool }, days, { signal }) => {
  await refreshStagingStatistics(pool, days.schema, days.month, signal);
  try {
    return await inTenantTransaction(
      pool,
      days.schema,
      async (client): Promise<'again'> => {
        if (!(await tryLock(client, 'source', days.sourceUuid))) return 'again';
        await lockStaging(client);
        const comparable = { ...days, days: await comparableDays(client, days) };
        const attempt = randomUUID();
        await client.query('select ocp_keep_waiting($1, $2, $3)', [
          attempt,
          days.sourceUuid,
          comparable.days,
        ]);
        for (const { from, until } of contiguousRanges(comparable.days))
          await client.query('select ocp_rebuild_relations($1, $2, $3)', [from, until, days.sourceUuid]);
        throw new RollBack(await compareWaiting(client, comparable, attempt));
      },
      signal,
    );
  } catch (error) {
    if (error instanceof RollBack) return error.result as ComparedDay[];
    throw error;
  }
};
