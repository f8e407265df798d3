import type { ClientBase, Pool } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { addDays, firstDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { inTenantSnapshot } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { columnsOf } from './columns.ts';
import type { FocusVersion } from './columns.ts';
import { breaches, Totals } from './conservation.ts';
import type { LineSink } from './csv-file.ts';
import type { Layer, Line, LineContext } from './line.ts';
import { monthEnd, readMonth } from './month.ts';
import type { Month, MonthSource } from './month.ts';

const linesSql = loadSql('focus/lines.sql');

/** Lines that are fetched from the server at once: what the memory of an export depends on. */
const fetchSize = 1_000;
/** For the lines of one cluster and day. */
const statementTimeoutMs = 600_000;

/** What is exported, and how. */
export interface ExportRequest {
  orgId: string;
  month: BillingMonth;
  /** undefined: all clusters of the organisation */
  clusterId: string | undefined;
  version: FocusVersion;
  layers: readonly Layer[];
  billed: LineContext['billed'];
  provider: string;
  issuer: string;
  /** also costs that the prices of now do not explain */
  allowResidue: boolean;
  /** refuse a month of which a day is incomplete */
  closedOnly: boolean;
  today: UsageDay;
}

/** What was written. */
export interface Exported {
  month: Month;
  totals: Totals;
  rowCount: number;
  /** what was let through on request */
  remarks: string[];
}

const clouds: Readonly<Record<string, string>> = {
  AWS: 'AWS',
  AZURE: 'Microsoft Azure',
  GCP: 'Google Cloud',
};

/**
 * Write the lines of a month to `sink`, from one read-only snapshot of the tenant, in bounded memory.
 *
 * @param progress called after each cluster and day
 * @throws PipelineError `ConfigInvalid` without data of the month; `CostsStale` for costs that were computed before
 * prices or usage changed; `MonthIncomplete`; `CostNotConserved` when the lines do not add up to the tables
 */
export async function exportMonth(
  pool: Pool,
  schema: string,
  request: ExportRequest,
  sink: LineSink,
  progress: (done: number, of: number, rowCount: number) => void,
  signal?: AbortSignal,
): Promise<Exported> {
  return inTenantSnapshot(pool, schema, statementTimeoutMs, async (client) => {
    const month = await readMonth(client, request);
    refuse(month, request);
    const totals = new Totals();
    const rowCount = await writeLines(client, { month, request, sink, totals, progress, signal });
    const found: string[] = [];
    for (const source of month.sources)
      found.push(
        ...(await breaches(client, { source, month: request.month, exported: request.layers, totals })),
      );
    const residue = residueSentence(totals);
    if (!request.allowResidue && (found.length > 0 || residue !== undefined))
      throw new PipelineError(
        found.length > 0 ? 'CostNotConserved' : 'CostsStale',
        [...found, ...(residue === undefined ? [] : [residue])].join('\n'),
      );
    const remarks = [...month.stale, ...found, ...(residue === undefined ? [] : [residue])];
    return { month, totals, rowCount, remarks };
  });
}

function refuse(month: Month, { closedOnly, allowResidue, month: name }: ExportRequest): void {
  if (!allowResidue && month.stale.length > 0)
    throw new PipelineError(
      'CostsStale',
      `${month.stale.join('\n')}\nNothing was written; --allow-residue writes them as they are`,
    );
  const open = month.sectors.filter(({ Complete: isComplete }) => !isComplete);
  if (closedOnly && open.length > 0)
    throw new PipelineError(
      'MonthIncomplete',
      `${name}: ${open.length} of ${month.sectors.length} days are incomplete, the first is ` +
        `${open[0]?.Start.slice(0, 10) ?? ''}; without --closed-only the month is written as far as it is`,
    );
}

function residueSentence(totals: Totals): string | undefined {
  const count = totals.counts.get('residue');
  if (count === undefined) return undefined;
  const sums = totals.list().filter(({ Layer }) => Layer === 'residue');
  return (
    `${count} amounts are not explained by the prices and usage of now ` +
    `(${sums.map(({ ClusterId, Cost, Currency }) => `cluster ${ClusterId}: ${Cost} ${Currency}`).join(', ')}); ` +
    'run the cost step (ocp-pipeline resummarize), or write them as they are with --allow-residue'
  );
}

interface Work {
  month: Month;
  request: ExportRequest;
  sink: LineSink;
  totals: Totals;
  progress: (done: number, of: number, rowCount: number) => void;
  signal: AbortSignal | undefined;
}

async function writeLines(client: ClientBase, work: Work): Promise<number> {
  const { month, request, sink, totals, progress, signal } = work;
  const columns = columnsOf(request.version);
  const days = [...new Set(month.sources.flatMap((source) => source.days))].sort();
  const parts = days.flatMap((day) =>
    month.sources.filter((source) => source.days.includes(day)).map((source) => ({ day, source })),
  );
  const markups = await markupsOf(client, month.sources);
  await client.query(`select set_config('cursor_tuple_fraction', '1', true)`);
  let rowCount = 0;
  for (const [index, { day, source }] of parts.entries()) {
    const context = contextOf(request, source, day, markups.get(source.sourceUuid));
    for await (const lines of linesOf(client, source, day, request.layers)) {
      signal?.throwIfAborted();
      for (const line of lines) totals.add(source, line);
      await sink.write(lines.map((line) => columns.map(({ value }) => value(line, context))));
      rowCount += lines.length;
    }
    progress(index + 1, parts.length, rowCount);
  }
  await sink.end();
  return rowCount;
}

async function* linesOf(
  client: ClientBase,
  source: MonthSource,
  day: UsageDay,
  layers: readonly Layer[],
): AsyncGenerator<Line[]> {
  await client.query(`declare focus_lines no scroll cursor for ${linesSql}`, [
    source.sourceUuid,
    day,
    layers,
  ]);
  for (;;) {
    const { rows } = await client.query<Line>(`fetch ${fetchSize} from focus_lines`);
    if (rows.length > 0) yield rows;
    if (rows.length < fetchSize) break;
  }
  await client.query('close focus_lines');
}

function contextOf(
  request: ExportRequest,
  source: MonthSource,
  day: UsageDay,
  markupPercent: string | undefined,
): LineContext {
  const cloud = source.infrastructure?.toUpperCase().replace(/-LOCAL$/, '');
  return {
    orgId: request.orgId,
    sourceUuid: source.sourceUuid,
    day,
    nextDay: addDays(day, 1),
    monthStart: firstDay(request.month),
    monthEnd: monthEnd(request.month),
    provider: request.provider,
    issuer: request.issuer,
    host: (cloud === undefined ? undefined : clouds[cloud]) ?? request.provider,
    billed: request.billed,
    markupPercent,
  };
}

async function markupsOf(client: ClientBase, sources: readonly MonthSource[]): Promise<Map<string, string>> {
  const { rows } = await client.query<{ source_uuid: string; percent: string }>(
    `select source.uuid as source_uuid, trim_scale(setting.markup * 100)::text as percent
     from unnest($1::uuid[]) as source (uuid)
     cross join lateral ocp_cost_settings(source.uuid) as setting
     where setting.markup is not null`,
    [sources.map(({ sourceUuid }) => sourceUuid)],
  );
  return new Map(rows.map((row) => [row.source_uuid, row.percent]));
}
