import type { ComparedMonth } from '../engines/comparison.ts';
import type { IdleShadow } from './idle-queue.ts';
import { formatNumber, table } from './output.ts';

/**
 * What comparisons of both engines found, as lines of `status`; none if no organisation was ever in shadow.
 * @param idle organisations that are, and are not compared
 */
export function comparisonLines(
  months: readonly (ComparedMonth & { orgId: string })[],
  idle: readonly IdleShadow[],
): string[] {
  return [
    ...comparisonTable(months),
    ...idle.map(({ orgId, problem }) => `Organisation ${orgId} is ${problem}`),
  ];
}

function comparisonTable(months: readonly (ComparedMonth & { orgId: string })[]): string[] {
  if (months.length === 0) return [];
  return [
    'Compared with the other engine:',
    table(
      ['org', 'cluster', 'month', 'shadow', 'equal days', 'different', 'failed', 'compared'],
      months.map((month) => [
        month.orgId,
        month.clusterAlias ?? month.sourceUuid,
        month.month,
        month.shadow,
        month.equalDayCount,
        month.differentDayCount,
        month.failedDayCount,
        month.comparedAt,
      ]),
      '',
    ),
    ...months.flatMap((month) => remarks(month)),
  ];
}

function remarks({ differentDay, differences, problem }: ComparedMonth): string[] {
  return [
    ...(differences ?? []).map(
      ({ relation, rowCount, firstKeys }) =>
        `${differentDay ?? ''} ${relation}: ${formatNumber(rowCount)} rows differ, such as ${JSON.stringify(firstKeys[0])}`,
    ),
    ...(problem === null ? [] : [`Not compared: ${problem}`]),
  ];
}
