import { groupNames } from './group-names.ts';
import { groupedBy } from './grouped.ts';
import type { AnswerRow } from './answer-rows.ts';
import { measuredRow, originOf, projectFields, shownNames } from './row.ts';
import type { RowStyle } from './row.ts';
import { vmTags } from './vm.ts';
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
  const { request } = style;
  const nesting = nestingOf(request);
  const keys = groupNames(request);
  // An instance of a GPU is a row of its profile.
  const lists = request.report.name === 'mig' ? keys.slice(0, -1) : keys;
  const byDate = groupedBy(rows, ({ date }) => date);
  return periods.map((date) => {
    const written = (byDate.get(date) ?? []).map((row) => {
      const names = row.isOthers ? nesting.map(() => others) : shownNames(row.names, nesting);
      return { of: row, names, row: writtenRow(row, names, style, keys) };
    });
    return { date, ...level(written, lists, 0) };
  });
}

interface Written {
  of: AnswerRow;
  /** as they are shown: a group may be called as the sum of others is, or as what has no name */
  names: readonly string[];
  row: Record<string, unknown>;
}

function level(rows: readonly Written[], lists: readonly string[], depth: number): Record<string, unknown> {
  const name = lists[depth];
  if (name === undefined) return { values: rows.map(({ row }) => row) };
  const groups = groupedBy(rows, ({ of }) => JSON.stringify([of.isOthers, of.names[depth]]));
  return {
    [`${name}s`]: [...groups.values()].map((ofGroup) => ({
      [name]: ofGroup[0]?.names[depth] ?? '',
      ...level(ofGroup, lists, depth + 1),
    })),
  };
}

function writtenRow(
  row: AnswerRow,
  names: readonly string[],
  style: RowStyle,
  keys: readonly string[],
): Record<string, unknown> {
  const { columns } = row;
  const { request } = style;
  const isVm = request.report.name === 'vms';
  const project = nestingOf(request).findIndex(({ field }) => field === 'project');
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
      : {}),
    ...originOf(columns, request),
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
    ...Object.fromEntries(keys.map((key, index) => [key, names[index]])),
    ...(request.report.name === 'mig' ? { mig_id: row.names.at(-1) === '' ? null : row.names.at(-1) } : {}),
  };
}
