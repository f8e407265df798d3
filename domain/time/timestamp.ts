import { isCalendarDay } from './usage-day.ts';

/** An instant read from a payload. `microseconds` (0 to 999999) is the part within the second; finer digits are cut. */
export interface PayloadTimestamp {
  readonly epochMs: number;
  readonly microseconds: number;
}

// Date, then optionally a time of day with up to nine digits of fraction, then optionally a zone.
const TIMESTAMP_FORM =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;
/** How the operator, written in Go, prints the zone; the rest of its form is ISO 8601. */
const GO_UTC_SUFFIX = ' +0000 UTC';
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

function zoneOffsetMinutes(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/**
 * Read a time as payloads write it: `2026-10-01 00:00:00 +0000 UTC`, ISO 8601 with `T` or a space, any fraction down to
 * nanoseconds, `Z`, an offset, or no zone, which means UTC. A date alone is its midnight.
 *
 * @returns undefined when the text is no such time or the day or time of day does not exist
 */
export function parseTimestamp(text: string): PayloadTimestamp | undefined {
  const form = TIMESTAMP_FORM.exec(
    text.endsWith(GO_UTC_SUFFIX) ? text.slice(0, -GO_UTC_SUFFIX.length) : text,
  );
  if (form === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = form;
  if (!isCalendarDay(Number(year), Number(month), Number(day))) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const offsetMinutes = zoneOffsetMinutes(zone);
  if (Number.isNaN(offsetMinutes)) return undefined;
  const microseconds = Number(fraction.slice(0, 6).padEnd(6, '0'));
  const midnightMs = Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T00:00:00Z`);
  const minutes = Number(hour) * 60 + Number(minute) - offsetMinutes;
  const epochMs = midnightMs + minutes * 60_000 + Number(second) * 1000 + Math.floor(microseconds / 1000);
  // An offset can move the instant out of the years in which days and PostgreSQL dates are written.
  return epochMs < EARLIEST_MS || epochMs > LATEST_MS ? undefined : { epochMs, microseconds };
}

/** ISO 8601 in UTC with exactly six digits of fraction, so that values also compare correctly as text. */
export function formatTimestamp(timestamp: PayloadTimestamp): string {
  const toSecond = new Date(timestamp.epochMs).toISOString().slice(0, 19);
  return `${toSecond}.${String(timestamp.microseconds).padStart(6, '0')}Z`;
}
