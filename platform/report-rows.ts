import { LARGEST_BELIEVED_VALUE, reportKindDefinition } from '../domain/report-kind.ts';
import type { ReportKind } from '../domain/report-kind.ts';
import type { RowWindow } from '../domain/retention.ts';
import { parseTimestamp } from '../domain/timestamp.ts';
import { usageDayOf } from '../domain/usage-day.ts';
import type { UsageDay } from '../domain/usage-day.ts';
import { plainField, plainFields } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';
import { fieldChecks } from './plain-kernel.ts';
import { remembered } from './remembered.ts';

/** Why a row is not taken. */
export interface RowProblem {
  /** column at fault; blank when the row as a whole is */
  column: string;
  reason: string;
}

/** The UTC day and hour that a good row starts in. */
export interface RowPlace {
  usageDay: UsageDay;
  /** 0 to 23 */
  hour: number;
}

/**
 * A row with a problem has a place too when its `interval_start` is good. An expired row is of a month that is no longer
 * kept: it is neither good nor bad, and nothing else of it is looked at.
 */
export type CheckedRow = { place: RowPlace } | { problem: RowProblem; place?: RowPlace } | { expired: true };

/** Records one after the other that are good and of one place, or one record that is not. */
export interface CheckedRun {
  checked: CheckedRow;
  /** at least 1 */
  recordCount: number;
}

/** Checks the rows of one file. */
export interface RowCheck {
  fields(fields: readonly string[]): CheckedRow;
  /** The answer that {@link fields} gives for the fields of a record, and of as many behind it as have the same. */
  plain(run: PlainRecords, record: number): CheckedRun;
}

/** Text columns that become keys of summary tables, and what those columns hold; Kubernetes' own limits are not above. */
const longestName = 253;
const boundedNames: ReadonlySet<string> = new Set([
  'namespace',
  'node',
  'resource_id',
  'persistentvolumeclaim',
  'persistentvolume',
  'storageclass',
]);

const numberForm = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * Prepare the checks of a file with this header: field count, times, numbers that are numbers and believable, and an
 * `interval_start` inside the window. Hours repeat on every row, so each text of a time is looked at once.
 */
export function rowCheck(kind: ReportKind, header: readonly string[], window: RowWindow): RowCheck {
  const position = new Map(header.map((name, index) => [name, index]));
  const present = reportKindDefinition(kind).columns.flatMap((column) => {
    const index = position.get(column.name);
    return index === undefined ? [] : [{ ...column, index }];
  });
  const numbers = present.filter((column) => column.type === 'number');
  const times = present.filter((column) => column.type === 'timestamp' && column.name !== 'interval_start');
  const names = present.filter((column) => boundedNames.has(column.name));
  const intervalStart = position.get('interval_start') ?? -1;
  const place = cachedPlace(window);
  const validTime = remembered((text) => parseTimestamp(text) !== undefined);

  const checkFields = (fields: readonly string[]): CheckedRow => {
    if (fields.length !== header.length)
      return { problem: { column: '', reason: `expected ${header.length} fields, found ${fields.length}` } };
    const found = place(fields[intervalStart] ?? '');
    if (!('place' in found)) return found;
    for (const { name, index } of times)
      if (!validTime(fields[index] ?? ''))
        return { problem: notATime(name, fields[index] ?? ''), place: found.place };
    for (const { name, index } of names) {
      const reason = nameProblem(fields[index] ?? '');
      if (reason !== undefined) return { problem: { column: name, reason }, place: found.place };
    }
    for (const { name, index } of numbers) {
      const reason = numberProblem(fields[index] ?? '');
      if (reason !== undefined) return { problem: { column: name, reason }, place: found.place };
    }
    return found;
  };

  const checks = Int32Array.from([
    ...[intervalStart, ...times.map(({ index }) => index)].flatMap((index) => [fieldChecks.same, index]),
    ...names.flatMap(({ index }) => [fieldChecks.length, index]),
    ...numbers.flatMap(({ index }) => [fieldChecks.number, index]),
  ]);
  const sameStart = Int32Array.from([fieldChecks.same, intervalStart]);
  const checkPlain = (run: PlainRecords, record: number): CheckedRun => {
    const found = place(plainField(run, record, intervalStart));
    if ('expired' in found)
      return {
        checked: found,
        recordCount: run.kernel.goodRecords(record, run.recordCount, sameStart, longestName),
      };
    const hasTimes =
      'place' in found && times.every(({ index }) => validTime(plainField(run, record, index)));
    const recordCount = hasTimes ? run.kernel.goodRecords(record, run.recordCount, checks, longestName) : 0;
    if (recordCount > 0) return { checked: found, recordCount };
    // Rows that are good are seen to be so at once; what is wrong with another is told in one place.
    return { checked: checkFields(plainFields(run, record)), recordCount: 1 };
  };
  return { fields: checkFields, plain: checkPlain };
}

function nameProblem(text: string): string | undefined {
  // Characters are counted as PostgreSQL counts them only when the cheap upper bound is passed.
  if (text.length <= longestName || Array.from(text).length <= longestName) return undefined;
  return `expected at most ${longestName} characters, found ${Array.from(text).length}`;
}

function numberProblem(text: string): string | undefined {
  if (text === '') return undefined;
  if (!numberForm.test(text)) return `expected a number, found "${text.slice(0, 40)}"`;
  // Also for negative values and in every column: the summary's numbers overflow there and no retry would help.
  if (Math.abs(Number(text)) > LARGEST_BELIEVED_VALUE)
    return `expected at most 1e18, found ${text.slice(0, 40)}`;
  return undefined;
}

function notATime(column: string, text: string): RowProblem {
  return {
    column,
    reason: `expected a time like 2026-10-01 00:00:00 +0000 UTC, found "${text.slice(0, 40)}"`,
  };
}

/** What the `interval_start` alone says of a row. */
type Placed = { place: RowPlace } | { problem: RowProblem } | { expired: true };

function cachedPlace(window: RowWindow): (text: string) => Placed {
  return remembered((text) => {
    const column = 'interval_start';
    const time = parseTimestamp(text);
    if (time === undefined) return { problem: notATime(column, text) };
    if (time.epochMs < window.fromMs) return { expired: true };
    if (time.epochMs > window.untilMs)
      return { problem: { column, reason: `${text} is more than a day ahead` } };
    return { place: { usageDay: usageDayOf(time.epochMs), hour: new Date(time.epochMs).getUTCHours() } };
  });
}
