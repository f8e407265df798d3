import { refreshStagingStatistics } from '../../summary/staging-statistics.ts';
import { contiguousRanges } from '../day-ranges.ts';
import type { Engine } from '../engine.ts';

/** The daily relations from the staging tables of PostgreSQL. */
export const postgresEngine: Engine = {
  name: 'postgres',
  prepare: ({ pool }, { schema, month }, signal) => refreshStagingStatistics(pool, schema, month, signal),
  rebuild: async (client, sourceUuid, days) => {
    for (const { from, until } of contiguousRanges(days))
      await client.query('select ocp_rebuild_relations($1, $2, $3)', [from, until, sourceUuid]);
  },
};
