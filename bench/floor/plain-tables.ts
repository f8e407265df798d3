import { reportKindDefinition } from '../../domain/reports/report-kind.ts';
import type { GeneratedKind } from '../payload/report-text.ts';
import { generatedKinds, reportHeaders } from '../payload/report-text.ts';

/** Table that a kind's CSVs are copied into. */
export function plainTableOf(kind: GeneratedKind): string {
  return `plain_${kind}`;
}

const types = { timestamp: 'text', text: 'text', labels: 'text', number: 'double precision' };

/**
 * One table per kind with the columns of its CSV in their order, logged, without any index. Times stay text: COPY does
 * not take the operator's `+0000 UTC` for a time zone.
 */
export function createPlainTables(): string {
  return generatedKinds
    .map((kind) => {
      const columns = new Map(
        reportKindDefinition(kind).columns.map(({ name, type }) => [name, types[type]]),
      );
      const list = reportHeaders[kind].split(',').map((name) => `${name} ${columns.get(name) ?? 'text'}`);
      return `create table ${plainTableOf(kind)} (${list.join(', ')});`;
    })
    .join('\n');
}

const podSums = reportHeaders.pod_usage
  .split(',')
  .filter((name) => /_(seconds|bytes|cores)$/.test(name))
  .map((name) => `sum(${name}) as ${name}`);

/** The plain daily aggregate of the pod rows, into a table. */
export const plainGroupBy = `create table plain_daily as
select left(interval_start, 10) as usage_day, namespace, node, pod_labels, ${podSums.join(', ')}
from ${plainTableOf('pod_usage')}
group by 1, 2, 3, 4`;
