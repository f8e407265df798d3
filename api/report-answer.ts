import type { ClientBase } from 'pg';
import type { AccessLists } from './access.ts';
import { answerRows, ask, rankGroups } from './answer/answer-rows.ts';
import type { AnswerRow, Ranking } from './answer/answer-rows.ts';
import { compare, reordered } from './answer/compare.ts';
import type { Compared } from './answer/compare.ts';
import { nested, othersName } from './answer/nest.ts';
import { measuredRow } from './answer/row.ts';
import type { Capacity, Columns } from './answer/row.ts';
import { withoutRate } from './answer/without-rate.ts';
import { invalidParameter } from './errors.ts';
import { linksOf, pageNames, pageOf, rankNames } from './links.ts';
import type { Links } from './links.ts';
import type { Report } from './reports.ts';
import { parseReport } from './request/parse-report.ts';
import { parseQuery } from './request/query-string.ts';
import { isGroupedBy } from './request/report-request.ts';
import type { ReportRequest } from './request/report-request.ts';
import { periodsOf } from './request/time-range.ts';
import { currencyOf, ratesTo, readSettings } from './settings.ts';
import type { TenantSettings } from './settings.ts';
import type { Asked } from './sql/scope.ts';
import { overheadStatement, totalStatement } from './sql/statements.ts';

/** One call of an endpoint. */
export interface Call {
  /** with the prefix, as it is repeated in links */
  path: string;
  /** without the question mark */
  query: string;
  access: AccessLists;
  /** UTC day */
  today: string;
  /** retention of the deployment, if the tenant has none */
  retentionMonths: number;
}

/** An answer in JSON. */
export interface Answer {
  meta: Record<string, unknown>;
  links: Links;
  data: unknown[];
}

/** What was read for a report before it is written as JSON or CSV. */
export interface ReadReport {
  request: ReportRequest;
  currency: string;
  rows: AnswerRow[];
  ranking: Ranking | undefined;
  total: Columns;
  totalCapacity: Capacity | undefined;
  delta: Compared | undefined;
  overhead: boolean | undefined;
  /** currencies of amounts that were taken as they are */
  withoutRate: string[];
}

/** The request of a call, judged by the tenant's settings. @throws ApiError */
function requestOf(report: Report, call: Call, settings: TenantSettings): ReportRequest {
  const request = parseReport(report, call.query, {
    today: call.today,
    retentionMonths: settings.retentionMonths ?? call.retentionMonths,
    access: call.access,
    tagKeys: settings.tagKeys,
  });
  const unknown = request.categories?.find((name) => name !== '*' && !settings.categories.includes(name));
  if (unknown !== undefined)
    throw invalidParameter('category', undefined, `"${unknown}" is not a known category.`);
  return request;
}

/**
 * Read everything that an answer is made of, in the transaction of the client: all parts see the same snapshot if it is
 * repeatable read. The search path is the tenant's.
 *
 * @throws ApiError for requests that are invalid or not allowed
 */
export async function readReport(client: ClientBase, report: Report, call: Call): Promise<ReadReport> {
  const settings = await readSettings(client);
  const request = requestOf(report, call, settings);
  const currency = currencyOf(settings, request.currency);
  const asked: Asked = { request, access: call.access, rates: ratesTo(settings, currency) };
  const ranking = await rankGroups(client, asked);
  const { rows, capacities, total: ofRows } = await answerRows(client, asked, ranking);
  const total = ofRows ?? (await totalOf(client, asked));
  const totalCapacity = capacities.total(total);
  const compared = await compare(client, asked, { rows, ranking, total, capacity: totalCapacity });
  const periods = [
    { range: request.scope.range, total },
    ...(compared.before === undefined ? [] : [compared.before]),
  ];
  const hasOverhead = report.name === 'costs' && isGroupedBy(request, 'project');
  const [overhead] = hasOverhead ? await ask(client, overheadStatement(asked)) : [];
  return {
    request,
    currency,
    rows: await reordered(client, asked, compared.rows, ranking),
    ranking,
    total: report.name === 'vms' ? { ...total, vm_count: rows.length } : total,
    totalCapacity,
    delta: compared.delta,
    overhead: hasOverhead ? overhead?.['found'] === true : undefined,
    withoutRate: await withoutRate(client, asked, { settings, currency }, { rows, periods }),
  };
}

/** All rows at once; instances of GPUs have nothing to add up. */
async function totalOf(client: ClientBase, asked: Asked): Promise<Columns> {
  if (asked.request.report.name === 'mig') return {};
  return (await ask(client, totalStatement(asked)))[0] ?? {};
}

/** The answer in JSON (API §5). */
export function jsonAnswer(call: Call, read: ReadReport): Answer {
  const { request, ranking, rows } = read;
  const { rank, page, scope } = request;
  const style = { request, currency: read.currency };
  const isVms = request.report.name === 'vms';
  const periods = periodsOf(scope);
  const byRank = rank?.offset !== undefined && ranking !== undefined;
  const paged = byRank
    ? {
        limit: rank.limit,
        offset: rank.offset ?? 0,
        count: ranking.groupCount,
        names: rankNames,
      }
    : { ...page, count: isVms ? rows.length : periods.length, names: pageNames };
  const shownPeriods = byRank || isVms ? periods : pageOf(periods, page);
  const shownRows = isVms ? pageOf(rows, page) : rows;
  const others = othersName((ranking?.groupCount ?? 0) - (ranking?.kept.length ?? 0));
  const data = isVms && shownRows.length === 0 ? [] : nested(shownPeriods, shownRows, style, others);
  return {
    meta: {
      count: paged.count,
      limit: paged.limit,
      offset: paged.offset,
      ...(ranking === undefined || rank === undefined
        ? {}
        : { others: Math.max(ranking.groupCount - rank.limit, 0) }),
      ...metaOf(read),
      total: measuredRow(read.total, read.totalCapacity, style, true),
    },
    links: linksOf(call.path, parseQuery(call.query), paged),
    data,
  };
}

function metaOf({ request, currency, delta, overhead }: ReadReport): Record<string, unknown> {
  const { echo } = request;
  return {
    filter: echo.filter,
    group_by: echo.group_by,
    order_by: echo.order_by,
    exclude: echo.exclude,
    ...(echo.startDate === undefined ? {} : { start_date: echo.startDate, end_date: echo.endDate }),
    currency,
    ...(request.categories === undefined ? {} : { category: request.categories }),
    ...(overhead === undefined ? {} : { distributed_overhead: overhead }),
    ...(delta === undefined ? {} : { delta }),
  };
}
