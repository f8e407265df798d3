import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { reportKindDefinition } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { csvLine, csvRecords, fieldsOf } from '../../reports/csv-records.ts';
import { readDailyCsv } from '../../reports/daily-csv.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { splitReportFile } from '../../reports/report-splitter.ts';
import type { RejectedRow, SplitFileOptions, SplitFileResult } from '../../reports/report-splitter.ts';
import { streamOf, textOf } from '../payload/archives.ts';

/** An object store in a directory of the test's own, removed when the test ends. */
export async function temporaryStore(): Promise<ObjectStore> {
  const directory = await mkdtemp(join(tmpdir(), 'split-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return openObjectStore({ url: pathToFileURL(directory).href });
}

/** Columns of a kind, optional ones included, as a header. */
export function headerOf(kind: ReportKind): string[] {
  return reportKindDefinition(kind).columns.map((column) => column.name);
}

/** Fields of a good row of a kind that starts at `start`; `values` replaces some of them by column name. */
export function rowOf(
  kind: ReportKind,
  start: string,
  values: Readonly<Record<string, string>> = {},
): string[] {
  return reportKindDefinition(kind).columns.map(({ name, type }) => {
    const given = values[name];
    if (given !== undefined) return given;
    if (name === 'interval_start' || name === 'interval_end') return start;
    if (type === 'timestamp') return '2026-10-01 00:00:00 +0000 UTC';
    if (type === 'number') return '1.5';
    return type === 'labels' ? 'label_app:web' : `a-${name}`;
  });
}

/** A report as text. */
export function reportOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((fields) => csvLine(fields)).join('');
}

/** Hour `hour` of October `day`, 2026, as the operator writes it. */
export function october(day: number, hour = 0): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `2026-10-${two(day)} ${two(hour)}:00:00 +0000 UTC`;
}

/** A split and the rejected rows that were told about. */
export interface TestSplit extends SplitFileResult {
  told: RejectedRow[];
}

/** Split a report with everything of October 2026 in the window and the usual thresholds. */
export async function split(
  store: Pick<ObjectStore, 'put'>,
  content: string | Buffer | Readable,
  changes: Partial<SplitFileOptions> = {},
): Promise<TestSplit> {
  const told: RejectedRow[] = [];
  const result = await splitReportFile(
    typeof content === 'string' || Buffer.isBuffer(content) ? streamOf(content) : content,
    {
      fileName: 'report.0.csv',
      store,
      keyFor: (kind, day) => `data/${kind}.${day}.csv`,
      rejectsKey: 'data/rejects.csv',
      leftOutKey: 'data/left-out.csv',
      metadata: { manifestid: '1' },
      window: { fromMs: Date.parse('2026-10-01T00:00:00Z'), untilMs: Date.parse('2026-10-31T23:59:59Z') },
      limits: { maxRejectedRows: 100, maxRejectedRowsPercent: 5 },
      onReject: (reject) => told.push(reject),
      loggedRejects: 20,
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...changes,
    },
  );
  return { ...result, told };
}

/** An object as text. */
export async function objectText(store: ObjectStore, key: string): Promise<string> {
  return textOf(await store.get(key));
}

/** Keys of all objects. */
export async function keysIn(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

/** Header and rows of a daily CSV. */
export async function rowsOf(
  store: ObjectStore,
  key: string,
): Promise<{ header: string[]; rows: string[][] }> {
  const csv = await readDailyCsv(await store.get(key));
  const rows: string[][] = [];
  for await (const some of csv.rows) rows.push(...fieldsOf(some));
  return { header: csv.header, rows };
}

/** Records of the list of rejected rows, its header first. */
export function rejectsOf(store: ObjectStore): Promise<string[][]> {
  return recordsOf(store, 'data/rejects.csv');
}

/** Records of the list of values left out, its header first. */
export function leftOutOf(store: ObjectStore): Promise<string[][]> {
  return recordsOf(store, 'data/left-out.csv');
}

async function recordsOf(store: ObjectStore, key: string): Promise<string[][]> {
  const rows: string[][] = [];
  for await (const some of csvRecords(await store.get(key))) rows.push(...fieldsOf(some));
  return rows;
}
