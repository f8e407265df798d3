import type { Report, Row, Status } from '../../page/answers.ts';
import type { Cell, Cells, ShownTable } from './tables.ts';

/** A row of an answer that has one month, with the name of its group. */
export type NamedRow = Row & { name: string };

/** Rows of all months of an answer, in its order; `list` is the name of the list of groups. */
export function groupsOf(report: Report, list: string): NamedRow[] {
  const name = list.slice(0, -1);
  return report.data.flatMap((element) =>
    (element[list] as (Record<string, unknown> & { values: Row[] })[]).flatMap((group) =>
      group.values.map((row) => ({ ...row, name: String(group[name]) })),
    ),
  );
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
const costOf = (row: Row | undefined) => row?.cost?.total.value ?? 0;
const distributedOf = (row: Row | undefined) => row?.cost?.distributed?.value ?? 0;
/** Descending. */
const by =
  <T>(value: (row: T) => number) =>
  (a: T, b: T) =>
    value(b) - value(a);
const orDash = (value: number | undefined) => value ?? '–';
/** Percent and wasted money where something was requested. */
const scoreOf = (row: Row | undefined) => ((row?.request?.value ?? 0) === 0 ? undefined : row?.score);
const poolNames = ['unallocated', 'unattributed'];
const isPool = ({ classification }: Row) => poolNames.includes(classification ?? '');

/** `#summary`: numbers of the tiles, in their order. */
export function summary(
  costs: Report,
  daily: Report,
  [compute, memory]: readonly [Report, Report],
  { isFull, left }: { isFull: (day: string) => boolean; left: number },
): number[][] {
  const days = daily.data
    .map((element) => ({ date: element.date, rows: groupsOf({ ...daily, data: [element] }, 'projects') }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ date, rows }) => ({ date, cost: sum(rows.map(distributedOf)) }));
  const full = days.filter(({ date }) => isFull(date)).slice(-7);
  const mean = sum(full.map(({ cost }) => cost)) / full.length;
  const wasted = (report: Report) => report.meta.total?.total_score?.wasted_cost?.value ?? -1;
  return [
    [distributedOf(costs.meta.total)],
    [costs.meta.delta?.value ?? 0],
    [sum(days.map(({ cost }) => cost)) + mean * left],
    [sum(groupsOf(costs, 'projects').filter(isPool).map(costOf))],
    [wasted(compute), wasted(memory)],
  ];
}

/** `#cost`: days with the largest projects and the others. */
export function perDay(daily: Report, isFull: (day: string) => boolean): ShownTable {
  const days = daily.data.map((element) => groupsOf({ ...daily, data: [element] }, 'projects'));
  const names = [...new Set(days.flat().map(({ name }) => name))];
  const rows = daily.data.map(({ date }, index) => {
    const values = new Map(days[index]?.map((row) => [row.name, distributedOf(row)]));
    const total = values.size === 0 ? '–' : sum([...values.values()]);
    const cells = Object.fromEntries(names.map((name) => [name, orDash(values.get(name))]));
    return [isFull(date) ? date : `${date} (not complete)`, { ...cells, Sum: total }] as const;
  });
  return { rows, sums: {} };
}

/** `#cost`: sums up to each day, up to the last one with data; before are the costs of all days of the month before. */
export function summedUp(daily: Report, before: Report): ShownTable {
  const upTo = (costs: number[]) => costs.map((_, index) => sum(costs.slice(0, index + 1)));
  const now = upTo(
    daily.data
      .map((element) => groupsOf({ ...daily, data: [element] }, 'projects').map(distributedOf))
      .filter((costs) => costs.length > 0)
      .map(sum),
  );
  const daysBefore = before.data.map(({ values }) => (values as Row[]).map(costOf));
  const withData = daysBefore.slice(0, daysBefore.findLastIndex((costs) => costs.length > 0) + 1);
  const then = upTo(withData.map(sum));
  const rows = Array.from({ length: Math.max(now.length, then.length) }, (_, index) => {
    const cells = { 'These days': orDash(now[index]), 'the month before': orDash(then[index]) };
    return [String(index + 1), cells] as const;
  });
  return { rows, sums: {} };
}

/** `#projects` */
export function projects(costs: Report, compute: Report, memory: Report): ShownTable {
  const named = (report: Report) => new Map(groupsOf(report, 'projects').map((row) => [row.name, row]));
  const [cpu, ram] = [named(compute), named(memory)];
  const rows = groupsOf(costs, 'projects').sort(by(distributedOf));
  return {
    rows: rows.map((row) => [
      row.name,
      {
        Cost: distributedOf(row),
        Change: row.delta_value,
        'CPU used': orDash(scoreOf(cpu.get(row.name))?.usage_efficiency_percent),
        'Memory used': orDash(scoreOf(ram.get(row.name))?.usage_efficiency_percent),
        'CPU wasted': orDash(scoreOf(cpu.get(row.name))?.wasted_cost?.value),
        'Memory wasted': orDash(scoreOf(ram.get(row.name))?.wasted_cost?.value),
      },
    ]),
    sums: { Cost: distributedOf(costs.meta.total), Change: costs.meta.delta?.value },
  };
}

/** `#changes`: five increases and five decreases at most. */
export function changes(costs: Report): ShownTable {
  const delta = (row: NamedRow) => row.delta_value ?? 0;
  const rows = groupsOf(costs, 'projects')
    .filter((row) => Math.abs(delta(row)) >= 0.005)
    .sort(by(delta));
  const shown = [
    ...rows.filter((row) => delta(row) > 0).slice(0, 5),
    ...rows.filter((row) => delta(row) < 0).slice(-5),
  ];
  return {
    rows: shown.map((row) => [row.name, { Change: delta(row), Percent: row.delta_percent ?? 'new' }]),
    sums: {},
  };
}

/** `#labels`: those without the key first. */
export function labels(costs: Report, key: string): ShownTable {
  const total = costOf(costs.meta.total);
  const untagged = `No-${key}`;
  const rows = groupsOf(costs, `${key}s`).sort(by(costOf));
  const ordered = [
    ...rows.filter(({ name }) => name === untagged),
    ...rows.filter(({ name }) => name !== untagged),
  ];
  return {
    rows: ordered.map((row) => [
      row.name === untagged ? `without ${key}` : row.name,
      { Cost: costOf(row), 'Of all': (costOf(row) / total) * 100 },
    ]),
    sums: { Cost: total },
  };
}

/** `#efficiency`: one of the two tables. */
export function efficiency(report: Report): ShownTable {
  const { total } = report.meta;
  const column = `Used / requested, ${total?.usage?.units ?? ''}`;
  const used = (row: Row | undefined) => row?.usage?.value ?? 0;
  const asked = (row: Row | undefined) => row?.request?.value ?? 0;
  const wasted = (row: Row) => scoreOf(row)?.wasted_cost?.value;
  const rows = groupsOf(report, 'projects').sort(
    (a, b) =>
      (wasted(b) ?? 0) - (wasted(a) ?? 0) ||
      Math.max(asked(b) - used(b), 0) - Math.max(asked(a) - used(a), 0),
  );
  const percent = (value: number | undefined): Cell => orDash(value);
  return {
    rows: rows.map((row) => [
      row.name,
      {
        Wasted: orDash(wasted(row)),
        Used: percent(scoreOf(row)?.usage_efficiency_percent),
        [column]: [used(row), asked(row)],
      },
    ]),
    sums: {
      Wasted: total?.total_score?.wasted_cost?.value,
      Used: total?.total_score?.usage_efficiency_percent,
      [column]: [used(total), asked(total)],
    },
  };
}

/** `#nodes` */
export function nodes(costs: Report, unallocated: Report, compute: Report, memory: Report): ShownTable {
  const named = (report: Report) => new Map(groupsOf(report, 'nodes').map((row) => [row.name, row]));
  const [idle, cpu, ram] = [named(unallocated), named(compute), named(memory)];
  const three = (row: Row | undefined): Cell =>
    row === undefined ? '–' : [row.usage, row.request, row.capacity].map((each) => each?.value ?? 0);
  const units = (report: Report) => report.meta.total?.usage?.units ?? '';
  return {
    rows: groupsOf(costs, 'nodes')
      .sort(by(costOf))
      .map(({ name, ...row }) => [
        name === 'No-node' ? 'on no node' : name,
        {
          Cost: costOf(row),
          'Of it unallocated': idle.has(name) ? costOf(idle.get(name)) : '–',
          [`CPU, ${units(compute)}`]: three(cpu.get(name)),
          [`Memory, ${units(memory)}`]: three(ram.get(name)),
        },
      ]),
    sums: { Cost: costOf(costs.meta.total), 'Of it unallocated': costOf(unallocated.meta.total) },
  };
}

/** `#unallocated`: from the projects over the pools to the total. */
export function waterfall(costs: Report): ShownTable {
  const rows = groupsOf(costs, 'projects').sort(by(costOf));
  const own = sum(rows.filter((row) => !isPool(row)).map(costOf));
  return {
    rows: [
      ['Projects', { Cost: own }],
      ...rows.filter(isPool).map((row) => [row.name, { Cost: costOf(row) }] as const),
    ],
    sums: { Cost: costOf(costs.meta.total) },
  };
}

/** `#unallocated`: pools before and after. */
export function pools(costs: Report): ShownTable {
  const rows = groupsOf(costs, 'projects').filter(isPool).sort(by(costOf));
  return {
    rows: rows.map((row) => [
      row.name,
      {
        Before: costOf(row),
        'Given to projects': distributedOf(row) - costOf(row),
        After: distributedOf(row),
      },
    ]),
    sums: {},
  };
}

/** `#unallocated`: who received of a pool. */
export function receivers(
  costs: Report,
  share: 'worker_unallocated_distributed' | 'platform_distributed',
): ShownTable {
  const received = (row: Row) => row.cost?.[share]?.value ?? 0;
  const rows = groupsOf(costs, 'projects')
    .filter((row) => received(row) > 0)
    .sort(by(received));
  return {
    rows: rows.map((row) => [row.name, { Received: received(row) }]),
    sums: { Received: sum(rows.map(received)) },
  };
}

/** `#vms` */
export function machines(report: Report): ShownTable {
  return {
    rows: groupsOf(report, 'vm_names').map(({ name, ...row }) => [
      name,
      {
        Project: row.project,
        Node: row.node,
        Cost: distributedOf(row),
        'CPU requested, cores': row.request?.cpu?.value,
        'Memory requested, GiB': row.request?.memory?.value,
      },
    ]),
    sums: { Cost: distributedOf(report.meta.total) },
  };
}

/** `#gpus`: of a project there are several rows. */
export function gpus(report: Report): ShownTable {
  const groups = report.data.flatMap(
    (element) => element['projects'] as { project: string; gpu_names: { values: Row[] }[] }[],
  );
  const rows = groups.flatMap(({ project, gpu_names: names }) =>
    names.flatMap(({ values }) => values.map((row) => ({ ...row, name: project }))),
  );
  return {
    rows: rows.map((row) => [
      row.name,
      {
        Month: row.date,
        GPU: `${row.gpu_vendor ?? ''} ${row.gpu_model ?? ''}`,
        Node: row.node,
        Count: row.gpu_count?.value,
        'Memory, GB': row.gpu_memory?.value,
        Cost: costOf(row),
      },
    ]),
    sums: { Cost: costOf(report.meta.total) },
  };
}

/** `#volumes` */
export function volumes(report: Report): ShownTable {
  const used = (row: Row | undefined) => row?.usage?.value ?? 0;
  const asked = (row: Row | undefined) => row?.request?.value ?? 0;
  const rows = groupsOf(report, 'projects').sort((a, b) => costOf(b) - costOf(a) || asked(b) - asked(a));
  const cells = (row: Row | undefined): Cells => ({
    Cost: costOf(row),
    Requested: asked(row),
    Used: used(row),
  });
  const column = `Used / requested, ${report.meta.total?.usage?.units ?? ''}`;
  return {
    rows: rows.map((row) => [row.name, { ...cells(row), [column]: [used(row), asked(row)] }]),
    sums: cells(report.meta.total),
  };
}

const dayForm = { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' } as const;

/** 7 Oct 2026 */
function dayText(time: string): string {
  return new Date(time).toLocaleDateString('en-GB', dayForm);
}

/** 7 Oct 2026, 14:05 UTC */
export function minuteOf(time: string): string {
  return `${dayText(time)}, ${new Date(time).toISOString().slice(11, 16)} UTC`;
}

/** `#data`: days of the only cluster. */
export function clusterDays(status: Status): ShownTable {
  const [cluster] = Array.isArray(status.data) ? [] : status.data.clusters;
  return {
    rows: (cluster?.days ?? []).map(({ date, hours, rejected_rows: rejected, summarised_at: at }) => {
      return [
        date,
        {
          Hours: String(hours),
          'Rejected rows': String(rejected),
          Summarised: at === null ? 'not yet' : minuteOf(at),
        },
      ];
    }),
    sums: {},
  };
}
