import { groupedBy } from './grouped.ts';
import type { AnswerRow } from './answer-rows.ts';
import { measuredRow, projectFields, shownNames } from './row.ts';
import type { RowStyle } from './row.ts';
import { vmTags } from './vm.ts';
import { groupName } from '../request/report-request.ts';
import type { Group } from '../request/report-request.ts';
import { nestingOf } from '../sql/groups.ts';

/** The names that the sum of others has on a day, if it is the sum of that many groups. */
export function othersName(groupCount: number): string {
  return groupCount === 1 ? 'Other' : 'Others';
}

/** One element per period, its rows nested by the groups in the order of their first row (API §5.2). */
export function nested(
  periods: readonly string[],
  rows: readonly AnswerRow[],
  style: RowStyle,
  others: string,
): Record<string, unknown>[] {
  const nesting = nestingOf(style.request);
  const byDate = groupedBy(rows, ({ date }) => date);
  return periods.map((date) => {
    const written = (byDate.get(date) ?? []).map((row) => {
      const names = row.isOthers ? nesting.map(() => others) : shownNames(row.names, nesting);
      return { names, row: writtenRow(row, names, style, nesting) };
    });
    return { date, ...level(written, nesting, 0) };
  });
}

interface Written {
  names: readonly string[];
  row: Record<string, unknown>;
}

function level(rows: readonly Written[], nesting: readonly Group[], depth: number): Record<string, unknown> {
  const group = nesting[depth];
  if (group === undefined) return { values: rows.map(({ row }) => row) };
  const name = groupName(group);
  const byName = groupedBy(rows, ({ names }) => names[depth] ?? '');
  return {
    [`${name}s`]: [...byName].map(([value, ofValue]) => ({
      [name]: value,
      ...level(ofValue, nesting, depth + 1),
    })),
  };
}

function writtenRow(
  row: AnswerRow,
  names: readonly string[],
  style: RowStyle,
  nesting: readonly Group[],
): Record<string, unknown> {
  const { columns } = row;
  const { request } = style;
  const isVm = request.report.name === 'vms';
  const project = nesting.findIndex(({ field }) => field === 'project');
  return {
    ...measuredRow(columns, row.capacity, style, false),
    date: row.date,
    ...(isVm
      ? {
          cluster: columns['cluster'],
          node: columns['node'],
          project: columns['project'],
          storage: columns['storage'],
          tags: vmTags(columns['labels'] as Record<string, string>[]),
        }
      : { clusters: columns['clusters'] ?? [] }),
    source_uuid: columns['source_uuid'] ?? [],
    ...(project < 0
      ? {}
      : projectFields(
          {
            project: names[project] ?? '',
            merged: columns['merged'] === true,
            costGroup: columns['cost_group'],
            isOthers: row.isOthers,
          },
          request,
        )),
    ...(row.delta === undefined ? {} : { delta_value: row.delta.value, delta_percent: row.delta.percent }),
    ...Object.fromEntries(nesting.map((group, index) => [groupName(group), names[index]])),
  };
}
