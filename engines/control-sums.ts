import type { PoolClient } from 'pg';
import type { DayPlan } from './plan.ts';

/**
 * Compare the daily relations of a plan's days with the control sums of their pieces, in the caller's transaction: of
 * days that were just rebuilt, and of forced ones that are summarised from the relations that they have. Lost, doubled
 * or changed rows never look like other usage.
 *
 * @throws DatabaseError `OCP01` with the pieces of each kind and day that differs
 */
export async function requireControlSums(client: PoolClient, { sourceUuid, days }: DayPlan): Promise<void> {
  const compared = days.filter(({ areRelationsBehind, isForced }) => areRelationsBehind || isForced);
  if (compared.length === 0) return;
  await client.query('select ocp_require_control_sums($1, $2, $3)', [
    sourceUuid,
    compared.map(({ usageDay }) => usageDay),
    compared.map(({ piecesHash }) => piecesHash),
  ]);
}
