import type { ClientBase } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { addMonths, daysOfMonth, firstDay, msPerDay } from '../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../domain/time/usage-day.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { TimeSector } from './metadata.ts';

const sourcesSql = loadSql('focus/sources.sql');
const daysSql = loadSql('focus/days.sql');

/** A cluster with a report period in the month. */
export interface MonthSource {
  sourceUuid: string;
  clusterId: string;
  /** of its cost model */
  currency: string;
  hasModel: boolean;
  /** type of the cloud that it runs on */
  infrastructure: string | undefined;
  days: UsageDay[];
}

/** What is exported, and how far it is. */
export interface Month {
  sources: MonthSource[];
  sectors: TimeSector[];
  /** sentences about costs that do not follow from the prices and usage of now */
  stale: string[];
}

interface SourceRow {
  source_uuid: string;
  cluster_id: string;
  currency: string;
  has_model: boolean;
  price_list: string | null;
  infrastructure: string | null;
  list_is_newer: boolean;
  costs_at: Date | null;
  summarised_days: UsageDay[];
}

interface DayRow {
  source_uuid: string;
  usage_day: UsageDay;
  hours: number;
  is_priced: boolean;
  summarised_at: Date;
}

/**
 * Clusters of a month, its days, and whether their costs are those of today's settings.
 *
 * @param today the UTC day
 * @throws PipelineError `ConfigInvalid` if the organisation, or the cluster, has nothing in the month
 */
export async function readMonth(
  client: ClientBase,
  request: { orgId: string; month: BillingMonth; clusterId: string | undefined; today: UsageDay },
): Promise<Month> {
  const first = firstDay(request.month);
  const { rows } = await client.query<SourceRow>(sourcesSql, [first, request.clusterId ?? null]);
  if (!rows.some(({ summarised_days: days }) => days.length > 0)) throw await noData(client, request);
  const { rows: days } = await client.query<DayRow>(daysSql, [
    rows.map(({ source_uuid: uuid }) => uuid),
    first,
    request.today,
  ]);
  return {
    sources: rows.map((row) => ({
      sourceUuid: row.source_uuid,
      clusterId: row.cluster_id,
      currency: row.currency,
      hasModel: row.has_model,
      infrastructure: row.infrastructure ?? undefined,
      days: row.summarised_days,
    })),
    sectors: daysOfMonth(request.month).map((day) => sectorOf(day, rows, days)),
    stale: rows.flatMap((row) => staleness(row, days, request)),
  };
}

async function noData(
  client: ClientBase,
  { orgId, month, clusterId }: { orgId: string; month: BillingMonth; clusterId: string | undefined },
): Promise<PipelineError> {
  const { rows } = await client.query<{ month: string }>(
    `select distinct to_char(report_period_start at time zone 'UTC', 'YYYY-MM') as month
     from reporting_ocpusagereportperiod
     where ($1::text is null or cluster_id = $1)
         and report_period_start <> $2::date::timestamp at time zone 'UTC'
     order by 1`,
    [clusterId ?? null, firstDay(month)],
  );
  const whose =
    clusterId === undefined ? `Organisation ${orgId}` : `Cluster ${clusterId} of organisation ${orgId}`;
  const known =
    rows.length === 0
      ? 'it has none of other months; ocp-pipeline source list shows the clusters'
      : `it has data of ${rows.map((row) => row.month).join(', ')}`;
  return new PipelineError('ConfigInvalid', `${whose} has no data of ${month}; ${known}`);
}

/** A day is complete when every cluster that has begun sent all its hours, and their costs are those of now. */
function sectorOf(day: UsageDay, sources: readonly SourceRow[], days: readonly DayRow[]): TimeSector {
  const begun = sources.filter(({ summarised_days: [first] }) => first !== undefined && first <= day);
  const known = days.filter((row) => row.usage_day === day);
  const isComplete = begun.every(({ source_uuid: uuid }) =>
    known.some((row) => row.source_uuid === uuid && row.hours === 24 && row.is_priced),
  );
  const times = begun
    .filter(({ summarised_days: summarised }) => summarised.includes(day))
    .flatMap(({ source_uuid: uuid, costs_at: costs }) => [
      ...(costs === null ? [] : [costs.getTime()]),
      ...known.filter((row) => row.source_uuid === uuid).map((row) => row.summarised_at.getTime()),
    ]);
  const start = new Date(`${day}T00:00:00Z`);
  return {
    Start: instant(start),
    End: instant(new Date(start.getTime() + msPerDay)),
    LastUpdated: times.length === 0 ? null : instant(new Date(Math.max(...times))),
    Complete: begun.length > 0 && isComplete,
  };
}

/** `YYYY-MM-DDTHH:mm:ssZ` */
function instant(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

function staleness(
  row: SourceRow,
  days: readonly DayRow[],
  { orgId, month }: { orgId: string; month: BillingMonth },
): string[] {
  const own = days.filter(({ source_uuid: uuid }) => uuid === row.source_uuid);
  const command = `ocp-pipeline resummarize --org ${orgId} --cluster ${row.cluster_id} --month ${month}`;
  const late = own.filter(({ is_priced: isPriced }) => !isPriced).map(({ usage_day: day }) => day);
  if (late.length > 0)
    return [
      `Cluster ${row.cluster_id}: usage, prices or the cost model changed after the costs of ${listed(late)} were ` +
        `computed; run the cost step: ${command}`,
    ];
  if (own.length === 0 && row.list_is_newer)
    return [
      `Cluster ${row.cluster_id}: price list "${row.price_list ?? ''}" changed after the costs of ${month} were ` +
        'computed, by another writer; have it compute them again',
    ];
  return [];
}

function listed(days: readonly string[]): string {
  const [first = '', last = ''] = [days[0], days.at(-1)];
  return first === last ? first : `${days.length} days from ${first} to ${last}`;
}

/** Month after, as a first day. */
export function monthEnd(month: BillingMonth): UsageDay {
  return firstDay(addMonths(month, 1));
}
