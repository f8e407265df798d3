import { randomUUID } from 'node:crypto';
import { reportKindDefinition, reportKinds } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import type { Payload } from './archives.ts';

/** One line item: operator columns by name. A column that is absent is blank in the file. */
export type ReportRow = Readonly<Record<string, string | number>> & {
  /** the hour that the row covers, `2026-10-01 05:00` */
  readonly hour: string;
};

/** Line items of a cluster by kind of report. */
export type ReportRows = Partial<Record<ReportKind, readonly ReportRow[]>>;

/** How a cluster's rows become a payload. */
export interface PayloadOptions {
  clusterId?: string;
  /** manifest uuid; a new one when absent */
  uuid?: string;
  /** creation time of the manifest; when absent, `end` */
  date?: string;
  /** covered time; when absent, from the first to the last hour of the rows */
  start?: string;
  end?: string;
  /** default true */
  dailyReports?: boolean;
  /** operator git commit; an empty text leaves it out */
  version?: string;
  /** files that the rows of one kind are dealt out to, in turn; default 1 */
  filesPerKind?: number;
  /** shuffles rows and columns and adds columns that nobody knows; when absent, rows and columns keep their order */
  shuffleSeed?: number;
}

const hourMs = 3_600_000;

/** The instant at which an hour such as `2026-10-01 05:00` starts. */
export function hourStartMs(hour: string): number {
  return Date.parse(`${hour.replace(' ', 'T')}:00Z`);
}

/** UTC day of an hour. */
export function dayOf(hour: string): string {
  return hour.slice(0, 10);
}

/** Render rows as the operator does: one or more CSV files per kind that has rows, and a manifest that lists them. */
export function buildPayload(rows: ReportRows, options: PayloadOptions = {}): Payload {
  const uuid = options.uuid ?? randomUUID();
  const hours = reportKinds.flatMap((kind) => (rows[kind] ?? []).map((row) => hourStartMs(row.hour)));
  const iso = (atMs: number) => new Date(atMs).toISOString();
  const start = options.start ?? iso(Math.min(...hours));
  const end = options.end ?? iso(Math.max(...hours) + hourMs - 1_000);
  const random = options.shuffleSeed === undefined ? undefined : randomNumbers(options.shuffleSeed);
  const files = new Map<string, string>();
  for (const kind of reportKinds) {
    const ofKind = rows[kind] ?? [];
    if (ofKind.length === 0) continue;
    const shuffled = random === undefined ? ofKind : shuffle(ofKind, random);
    const fileCount = options.filesPerKind ?? 1;
    for (let file = 0; file < fileCount; file += 1) {
      const dealt = shuffled.filter((_, index) => index % fileCount === file);
      files.set(`${uuid}_openshift_usage_report.${files.size}.csv`, csvOf(kind, dealt, random));
    }
  }
  const { version = '0a1b2c3d' } = options;
  const manifest = {
    uuid,
    cluster_id: options.clusterId ?? 'generated-cluster',
    date: options.date ?? end,
    ...(version === '' ? {} : { version }),
    files: [...files.keys()],
    start,
    end,
    certified: false,
    daily_reports: options.dailyReports ?? true,
    cr_status: {},
  };
  return { manifest, files };
}

function csvOf(kind: ReportKind, rows: readonly ReportRow[], random: RandomNumbers | undefined): string {
  const known = reportKindDefinition(kind)
    .columns.filter((column) => column.required || rows.some((row) => column.name in row))
    .map((column) => column.name);
  const header =
    random === undefined ? known : shuffle([...known, 'future_column', 'another_new_column'], random);
  const lines = rows.map((row) => {
    const cells = { ...row, ...intervalOf(row.hour), future_column: 'x', another_new_column: 17 };
    return header.map((name) => String((cells as Record<string, string | number>)[name] ?? '')).join(',');
  });
  return [header.join(','), ...lines, ''].join('\n');
}

/** The four times of a row, as the operator, written in Go, prints them. */
function intervalOf(hour: string): Record<string, string> {
  const startMs = hourStartMs(hour);
  const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
  const date = new Date(startMs);
  const month = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset);
  return {
    report_period_start: at(month(0)),
    report_period_end: at(month(1)),
    interval_start: at(startMs),
    interval_end: at(startMs + hourMs - 1_000),
  };
}

type RandomNumbers = () => number;

/** Numbers in [0, 1) that depend on the seed alone, so that a failing payload can be made again. */
function randomNumbers(seed: number): RandomNumbers {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle<T>(items: readonly T[], random: RandomNumbers): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** The rows whose hour lies in [from, until), all kinds. */
export function rowsBetween(rows: ReportRows, from: string, until: string): ReportRows {
  return Object.fromEntries(
    Object.entries(rows).map(([kind, ofKind]) => [
      kind,
      ofKind.filter((row) => row.hour >= from && row.hour < until),
    ]),
  );
}
