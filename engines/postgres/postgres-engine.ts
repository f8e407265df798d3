import { stagingNotKept } from '../../summary/staging-counts.ts';
import { refreshStagingStatistics } from '../../summary/staging-statistics.ts';
import { contiguousRanges } from '../day-ranges.ts';
import type { Engine } from '../engine.ts';
import { daysBehind } from '../plan.ts';
import { compareDaysFromStaging } from './compare-days.ts';

/** The daily relations from the staging tables of PostgreSQL. */
export const postgresEngine: Engine = {
  name: 'postgres',
  prepare: async ({ pool }, { schema, month }, { signal }) => {
    await refreshStagingStatistics(pool, schema, month, signal);
    return async (client, plan) => {
      for (const { from, until } of contiguousRanges(daysBehind(plan)))
        await client.query('select ocp_rebuild_relations($1, $2, $3)', [from, until, plan.sourceUuid]);
      return 'rebuilt';
    };
  },
  compareDays: compareDaysFromStaging,
  notKept: ({ pool }, { schema }, pieces) => stagingNotKept(pool, schema, pieces),
};
