import { basisOf, remarksOf } from '../costs/cost-months.ts';
import type { CostMonth } from '../costs/cost-months.ts';
import { table } from './output.ts';

/** Engines of clusters and months and what costs are based on, as lines of `status`; none if nothing was summarised. */
export function costTable(months: readonly (CostMonth & { orgId: string })[]): string[] {
  if (months.length === 0) return [];
  return [
    'Costs:',
    table(
      ['org', 'cluster', 'month', 'engine', 'based on', 'since'],
      months.map((month) => [
        month.orgId,
        month.clusterId,
        month.month,
        month.engine ?? '',
        basisOf(month),
        month.since?.toISOString().slice(0, 16) ?? 'never computed',
      ]),
      '',
    ),
    ...months.flatMap((month) =>
      remarksOf(month, month.orgId).map((remark) => `${month.clusterId} ${month.month}: ${remark}`),
    ),
  ];
}
