import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { BillingMonth } from '../../domain/time/usage-day.ts';
import { billingMonth, usageDay } from '../../domain/time/usage-day.ts';
import { decimalText, unscaled } from '../../focus/decimals.ts';
import { exportToFile } from '../../focus/export-file.ts';
import type { ExportedFile } from '../../focus/export-file.ts';
import type { ExportRequest } from '../../focus/export-month.ts';
import { layers } from '../../focus/line.ts';
import { priceDay } from '../costs/priced-source.ts';
import { atEnd } from '../support/at-end.ts';
import type { TestDatabase } from '../support/database.ts';
import type { StagedSource } from '../support/staging-fixture.ts';

/** A line as a reader sees it: an empty field is null. */
export type Row = Record<string, string | null>;

/** What a test file writes goes here. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-focus-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Export a month to a file. */
export async function exportTo(
  database: TestDatabase,
  path: string,
  month: string | BillingMonth,
  changes: Partial<ExportRequest> = {},
): Promise<ExportedFile> {
  const request: ExportRequest = {
    orgId: database.orgId,
    month: billingMonth(month),
    clusterId: undefined,
    version: '1.3',
    layers,
    billed: 'chargeback',
    provider: 'OpenShift',
    issuer: 'OpenShift',
    allowResidue: false,
    closedOnly: false,
    today: usageDay('2026-11-28'),
    ...changes,
  };
  return exportToFile(database.pool, database.schema, request, path, () => undefined);
}

/** Lines of a CSV file, by column. */
export async function csvRows(path: string): Promise<Row[]> {
  const [head = [], ...rows] = parse(await readFile(path, 'utf8'), { record_delimiter: '\n' });
  return rows.map((cells) =>
    Object.fromEntries(
      head.map((name, index) => [name, cells[index] === '' ? null : (cells[index] ?? null)]),
    ),
  );
}

/** Lines of a Parquet file, each cell as CSV has it: decimals from their digits, not through floating point. */
export async function parquetRows(path: string): Promise<Row[]> {
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const metadata = await parquetMetadataAsync(file);
  const scales = new Map(
    parquetSchema(metadata).children.map(({ element }) => [
      element.name,
      element.converted_type === 'DECIMAL' ? element.scale : undefined,
    ]),
  );
  // Without its annotation a decimal is read as bytes.
  for (const element of metadata.schema)
    if (element.converted_type === 'DECIMAL') delete element.converted_type;
  const rows = await parquetReadObjects({ file, metadata, utf8: false });
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cellText(value, scales.get(name))])),
  );
}

function cellText(value: unknown, scale: number | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return `${value.toISOString().slice(0, 19)}Z`;
  if (value instanceof Uint8Array && scale !== undefined) {
    const digits = BigInt.asIntN(128, BigInt(`0x${Buffer.from(value).toString('hex')}`));
    return decimalText(unscaled(digits, scale));
  }
  if (typeof value === 'string') return value;
  throw new Error(`no cell of an export: ${typeof value}`);
}

/** Compute the costs of a day of October 2026, and record it as the cost step does. */
export async function priceAndRecord(source: StagedSource, day: string): Promise<void> {
  await priceDay(source, day);
  await source.query(
    `update ocp_day
     set cost_version = version,
         cost_settings_hash = ocp_cost_settings_hash(source_uuid, date_trunc('month', usage_day)::date, '2026-11-28')
     where source_uuid = $1`,
    [source.sourceUuid],
  );
}
