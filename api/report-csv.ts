import type { AnswerRow } from './answer/answer-rows.ts';
import { groupNames } from './answer/group-names.ts';
import { groupedBy } from './answer/grouped.ts';
import { othersName } from './answer/nest.ts';
import { derivedOf, migNames, migUnits, originOf, projectFields } from './answer/row.ts';
import type { Columns } from './answer/row.ts';
import { vmTags } from './answer/vm.ts';
import type { CsvRow } from './csv.ts';
import { pageOf } from './links.ts';
import type { ReadReport } from './report-answer.ts';
import { hasScore } from './request/report-request.ts';
import type { ReportRequest } from './request/report-request.ts';
import { nestingOf } from './sql/groups.ts';
import { distributedFields, distributionNames } from './sql/measures.ts';

const costColumns = [
  'cost_raw',
  'cost_markup',
  'cost_usage',
  'cost_total',
  'infra_raw',
  'infra_markup',
  'infra_usage',
  'infra_total',
  'sup_raw',
  'sup_markup',
  'sup_usage',
  'sup_total',
];

/**
 * The rows of a report as flat rows with the names of columns (API §5.4), all periods: the newest first, ranked ones in
 * rank order with the sum of others last.
 */
export function reportCsvRows(read: ReadReport): CsvRow[] {
  const newestFirst = [...groupedBy(read.rows, ({ date }) => date).values()].reverse().flat();
  const rows =
    read.ranking === undefined
      ? newestFirst
      : [...newestFirst].sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || 0);
  const others = othersName((read.ranking?.groupCount ?? 0) - (read.ranking?.kept.length ?? 0));
  const form = formOf(read, others);
  return rows.map((row) => csvRow(row, form));
}

/** A row with every column of a report, where there is no row to tell them: lists have a column per element. */
export function blankCsvRow(read: ReadReport): CsvRow {
  const lists = { persistent_volume_claim: [], storage_class: [], storage: [], labels: [] };
  const row = { date: '', names: [], isOthers: false, rank: undefined, columns: lists, capacity: undefined };
  const delta = read.request.delta === undefined ? {} : { delta: { value: 0, percent: null } };
  return csvRow({ ...row, ...delta }, formOf(read, ''));
}

/** What all rows of a CSV have in common. */
interface CsvForm {
  request: ReportRequest;
  currency: string;
  /** names of the columns of groups */
  names: readonly string[];
  /** what the sum of the other groups is called */
  others: string;
}

function formOf({ request, currency }: ReadReport, others: string): CsvForm {
  return { request, currency, names: groupNames(request), others };
}

/** The rows that the request asks for: paging counts rows here. */
export function csvPage(rows: readonly CsvRow[], { request }: ReadReport): CsvRow[] {
  return pageOf(rows, request.page);
}

function csvRow(row: AnswerRow, { request, currency, names, others }: CsvForm): CsvRow {
  const { columns } = row;
  const nesting = nestingOf(request);
  const project = nesting.findIndex(({ field }) => field === 'project');
  return {
    date: row.date,
    ...(request.report.name === 'mig' ? migColumns(columns) : moneyColumns(columns, request, currency)),
    ...usageColumns(row, request, currency),
    ...otherColumns(row, request),
    ...originOf(columns, request),
    ...(project < 0
      ? {}
      : projectFields(
          {
            project: row.names[project] ?? '',
            merged: columns['merged'] === true,
            costGroup: columns['cost_group'],
            isOthers: row.isOthers,
          },
          request,
        )),
    ...(row.delta === undefined ? {} : { delta_value: row.delta.value, delta_percent: row.delta.percent }),
    ...Object.fromEntries(
      names.map((name, index) => [name, row.isOthers ? others : (row.names[index] ?? '')]),
    ),
  };
}

function moneyColumns(columns: Columns, request: ReportRequest, currency: string): CsvRow {
  const { sum, shares } = distributedFields(request);
  const decimals = [
    ...costColumns,
    ...(sum ? ['cost_total_distributed'] : []),
    ...(shares ? distributionNames : []),
  ];
  return {
    ...Object.fromEntries(decimals.map((name) => [name, columns[name] ?? 0])),
    base_currency: columns['base_currency'] ?? null,
    exchange_rate: columns['exchange_rate'] ?? 1,
    cost_units: currency,
  };
}

function migColumns(columns: Columns): CsvRow {
  return {
    ...migNames(columns),
    compute: columns['compute'],
    mig_compute_units: migUnits.compute,
    memory: columns['memory'],
    mig_memory_units: migUnits.memory,
    mig_slice_count: columns['mig_slice_count'],
    gpu_max_slices: columns['gpu_max_slices'],
  };
}

function usageColumns({ columns, capacity }: AnswerRow, request: ReportRequest, currency: string): CsvRow {
  const { report } = request;
  if (report.usageUnits === undefined) return {};
  const usage = { usage: columns['usage'] ?? 0, usage_units: report.usageUnits };
  if (report.name === 'network')
    return {
      ...usage,
      data_transfer_in: columns['data_transfer_in'] ?? 0,
      data_transfer_out: columns['data_transfer_out'] ?? 0,
    };
  const { unused, requestUnused, percent } = derivedOf(columns, capacity);
  return {
    ...usage,
    request: columns['request'] ?? 0,
    request_unused: requestUnused,
    request_unused_percent: percent(requestUnused),
    capacity: capacity?.value ?? 0,
    capacity_unused: unused,
    capacity_unused_percent: percent(unused),
    ...(report.name === 'volumes'
      ? {
          persistent_volume_claim: columns['persistent_volume_claim'],
          storage_class: columns['storage_class'],
        }
      : {
          limit: columns['limit'] ?? 0,
          score: hasScore(request)
            ? {
                usage_efficiency_percent: columns['usage_efficiency'] ?? 0,
                wasted_cost: { value: columns['wasted_cost'] ?? 0, units: currency },
              }
            : {},
        }),
  };
}

function otherColumns({ columns }: AnswerRow, request: ReportRequest): CsvRow {
  if (request.report.name === 'gpu')
    return {
      gpu_count: columns['gpu_count'] ?? 0,
      gpu_memory: columns['gpu_memory'] ?? 0,
      node: columns['split_node'] ?? null,
      gpu_model: columns['split_model'] ?? null,
      gpu_vendor: columns['split_vendor'] ?? null,
      gpu_mode: columns['split_mode'] ?? null,
    };
  if (request.report.name !== 'vms') return {};
  return {
    request_cpu: columns['request_cpu'],
    request_memory: columns['request_memory'],
    cluster: columns['cluster'],
    node: columns['node'],
    project: columns['project'],
    storage: columns['storage'],
    tags: vmTags(columns['labels'] as Record<string, string>[]),
  };
}
