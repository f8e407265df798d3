import { isJsonLabels, skippedLabels } from '../domain/reports/labels.ts';
import { reportKindDefinition } from '../domain/reports/report-kind.ts';
import type { ReportColumn, ReportKind } from '../domain/reports/report-kind.ts';
import { isNegative, readReportNumber } from '../domain/reports/report-number.ts';
import type { RowWindow } from '../domain/time/retention.ts';
import { parseTimestamp } from '../domain/time/timestamp.ts';
import { msPerDay, usageDayOf } from '../domain/time/usage-day.ts';
import type { UsageDay } from '../domain/time/usage-day.ts';
import { csvLine, plainField, plainFields } from './csv-records.ts';
import type { PlainRecords } from './csv-records.ts';
import { oddIntervals } from './file-remarks.ts';
import type { FileRemarks } from './file-remarks.ts';
import { fieldChecks, valueNotes } from './fast-path/plain-kernel.ts';
import { remembered } from './fast-path/remembered.ts';

/** Why a row is rejected. */
export interface RowProblem {
  /** column at fault; blank if it is the row as a whole */
  column: string;
  reason: string;
}

/** The UTC day and hour in which a valid row starts. */
export interface RowPlace {
  usageDay: UsageDay;
  /** 0 to 23 */
  hour: number;
}

/**
 * An invalid row has a place too if its `interval_start` is valid. An expired row belongs to a month that is no longer
 * kept: it is neither valid nor invalid, and the rest of it is not checked.
 */
export type CheckedRow = { place: RowPlace } | { problem: RowProblem; place?: RowPlace } | { expired: true };

/** Consecutive valid records of one place, or one record that is not valid. */
export interface CheckedRun {
  checked: CheckedRow;
  /** at least 1 */
  recordCount: number;
  /** the valid records as they are stored, if that differs from how they were sent */
  tidied?: Buffer;
}

/** Checks the rows of one file, and adds to the file's remarks what is suspicious about valid ones. */
export interface RowCheck {
  /**
   * @param line of the file on which the row starts
   * @returns for a valid row its fields as they are stored, if that differs from how they were sent
   */
  fields(fields: readonly string[], line: number): { checked: CheckedRow; tidied?: string[] };
  /** The result of {@link fields} for a record, and for as many after it as have the same result. */
  plain(run: PlainRecords, record: number): CheckedRun;
}

/**
 * Text columns that become keys of summary tables, and the length of those columns; Kubernetes' own limits are not
 * higher.
 */
const maxNameLength = 253;
const boundedNames: ReadonlySet<string> = new Set([
  'namespace',
  'node',
  'resource_id',
  'persistentvolumeclaim',
  'persistentvolume',
  'storageclass',
]);

/** A column of the file, and its position. */
type PresentColumn = ReportColumn & { index: number };

/**
 * Prepare the checks for a file with this header: field count, times, plausible numbers, and an `interval_start` inside
 * the window. Hours repeat on every row, so each distinct text of a time is parsed once.
 */
export function rowCheck(
  kind: ReportKind,
  header: readonly string[],
  window: RowWindow,
  remarks: FileRemarks,
): RowCheck {
  const position = new Map(header.map((name, index) => [name, index]));
  const present = reportKindDefinition(kind).columns.flatMap((column): PresentColumn[] => {
    const index = position.get(column.name);
    return index === undefined ? [] : [{ ...column, index }];
  });
  const times = present.filter((column) => column.type === 'timestamp' && column.name !== 'interval_start');
  const names = present.filter((column) => boundedNames.has(column.name));
  // In the order of the file: the kernel assembles cleaned values from left to right.
  const values = present
    .filter((column) => column.type === 'number' || column.type === 'labels')
    .sort((a, b) => a.index - b.index);
  const intervalStart = position.get('interval_start') ?? -1;
  const intervalEnd = position.get('interval_end') ?? -1;
  const start = cachedStart(window);
  const timeOf = remembered((text) => parseTimestamp(text)?.epochMs ?? Number.NaN);
  const noteInterval = (startMs: number, end: string, line: number, rowCount: number) => {
    const durationMs = timeOf(end) - startMs;
    if (durationMs < 0) remarks.suspect(oddIntervals.endsBeforeStart, line, rowCount);
    else if (durationMs > msPerDay) remarks.suspect(oddIntervals.longerThanDay, line, rowCount);
  };
  const checkValues = valueCheck(values, remarks);

  const checkFields: RowCheck['fields'] = (fields, line) => {
    if (fields.length !== header.length)
      return bad({ column: '', reason: `expected ${header.length} fields, found ${fields.length}` });
    const found = start(fields[intervalStart] ?? '');
    if (!('startMs' in found)) return { checked: found };
    const { place } = found.checked;
    for (const { name, index } of times)
      if (Number.isNaN(timeOf(fields[index] ?? ''))) return bad(notATime(name, fields[index] ?? ''), place);
    for (const { name, index } of names) {
      const reason = nameProblem(fields[index] ?? '');
      if (reason !== undefined) return bad({ column: name, reason }, place);
    }
    const result = checkValues(fields, line);
    if (!('tidied' in result)) return bad(result, place);
    noteInterval(found.startMs, fields[intervalEnd] ?? '', line, 1);
    return { checked: found.checked, ...(result.tidied && { tidied: result.tidied }) };
  };

  const checks = Int32Array.from([
    ...[intervalStart, ...times.map(({ index }) => index)].flatMap((index) => [fieldChecks.same, index]),
    ...names.flatMap(({ index }) => [fieldChecks.length, index]),
    ...values.flatMap((column) => [
      column.type === 'labels' ? fieldChecks.labels : fieldChecks.number(wholeDigitsBelow(column.below)),
      column.index,
    ]),
  ]);
  const sameStart = Int32Array.from([fieldChecks.same, intervalStart]);
  const notePlain = plainNotes(header, remarks);
  const checkPlain: RowCheck['plain'] = (run, record) => {
    const found = start(plainField(run, record, intervalStart));
    if ('expired' in found)
      return {
        checked: found,
        recordCount: run.kernel.goodRecords(record, run.recordCount, sameStart, maxNameLength),
      };
    const hasTimes =
      'checked' in found && times.every(({ index }) => !Number.isNaN(timeOf(plainField(run, record, index))));
    const recordCount = hasTimes ? run.kernel.goodRecords(record, run.recordCount, checks, maxNameLength) : 0;
    if (hasTimes && recordCount > 0) {
      noteInterval(found.startMs, plainField(run, record, intervalEnd), run.line + record, recordCount);
      const isTidied = notePlain(run);
      return {
        checked: found.checked,
        recordCount,
        ...(isTidied && { tidied: run.kernel.tidied(record, recordCount) }),
      };
    }
    // Valid rows are recognised at once; what is wrong with others is described in one place.
    const { checked, tidied } = checkFields(plainFields(run, record), run.line + record);
    return { checked, recordCount: 1, ...(tidied && { tidied: Buffer.from(csvLine(tidied)) }) };
  };
  return { fields: checkFields, plain: checkPlain };
}

function bad(problem: RowProblem, place?: RowPlace): { checked: CheckedRow } {
  return { checked: place === undefined ? { problem } : { problem, place } };
}

/** Maximum number of digits before the point of any number with this limit. */
function wholeDigitsBelow(below = 1e18): number {
  return Math.floor(Math.log10(below));
}

/**
 * Check numbers and labels of a row; nothing is recorded about a row that turns out to be invalid.
 * @returns the fields as they are stored, undefined if they are unchanged; or what is wrong
 */
function valueCheck(
  values: readonly PresentColumn[],
  remarks: FileRemarks,
): (fields: readonly string[], line: number) => { tidied: string[] | undefined } | RowProblem {
  const skippedIn = remembered(skippedLabels);
  return (fields, line) => {
    let tidied: string[] | undefined;
    const leftOut: { column: string; value: string }[] = [];
    const negative: string[] = [];
    for (const { name: column, type, index, below } of values) {
      const field = fields[index] ?? '';
      if (field === '') continue;
      let stored = field;
      if (type === 'labels') {
        for (const value of skippedIn(field)) leftOut.push({ column, value });
        if (isJsonLabels(field)) stored = '';
      } else {
        const number = readReportNumber(field, below);
        if (number.state === 'bad') return { column, reason: number.reason };
        if (number.state === 'left out') leftOut.push({ column, value: field });
        stored = number.state === 'number' ? number.text : '';
        if (isNegative(stored)) negative.push(column);
      }
      if (stored !== field) {
        tidied ??= [...fields];
        tidied[index] = stored;
      }
    }
    for (const { column, value } of leftOut) remarks.leaveOut(column, line, value);
    for (const column of negative) remarks.suspect(negativeIn(column), line);
    return { tidied };
  };
}

/**
 * Add the kernel's notes about valid records to the remarks.
 * @returns whether they are stored in a different form than they were sent
 */
function plainNotes(header: readonly string[], remarks: FileRemarks): (run: PlainRecords) => boolean {
  const skippedIn = remembered(skippedLabels);
  return (run) => {
    let isTidied = false;
    for (const note of run.kernel.valueNotes()) {
      const place = note >> valueNotes.bits;
      const record = Math.floor(place / run.fieldCount);
      const field = place - record * run.fieldCount;
      const column = header[field] ?? '';
      const line = run.line + record;
      const what = note & valueNotes.mask;
      if (what === valueNotes.negative) remarks.suspect(negativeIn(column), line);
      else if (what === valueNotes.labels)
        for (const piece of skippedIn(plainField(run, record, field))) remarks.leaveOut(column, line, piece);
      else {
        isTidied = true;
        if (what === valueNotes.leftOut) remarks.leaveOut(column, line, plainField(run, record, field));
      }
    }
    return isTidied;
  };
}

function negativeIn(column: string): string {
  return `${column} is negative`;
}

function nameProblem(text: string): string | undefined {
  // Characters are counted as PostgreSQL counts them, but only if the cheap upper bound is exceeded.
  if (text.length <= maxNameLength || Array.from(text).length <= maxNameLength) return undefined;
  return `expected at most ${maxNameLength} characters, found ${Array.from(text).length}`;
}

function notATime(column: string, text: string): RowProblem {
  return {
    column,
    reason: `expected a time like 2026-10-01 00:00:00 +0000 UTC, found "${text.slice(0, 40)}"`,
  };
}

/** What the `interval_start` alone determines: the place of a row that starts then, and the time. */
type Start = { checked: { place: RowPlace }; startMs: number } | { problem: RowProblem } | { expired: true };

function cachedStart(window: RowWindow): (text: string) => Start {
  return remembered((text) => {
    const column = 'interval_start';
    const time = parseTimestamp(text);
    if (time === undefined) return { problem: notATime(column, text) };
    if (time.epochMs < window.fromMs) return { expired: true };
    if (time.epochMs > window.untilMs)
      return { problem: { column, reason: `${text} is more than a day in the future` } };
    const place = { usageDay: usageDayOf(time.epochMs), hour: new Date(time.epochMs).getUTCHours() };
    return { checked: { place }, startMs: time.epochMs };
  });
}
