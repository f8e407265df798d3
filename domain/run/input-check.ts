import { steps } from './steps.ts';
import { isBillingMonth, isUsageDay, msPerDay } from '../time/usage-day.ts';

/** What a field of an input must be. */
export interface FieldRule {
  /** for people: "expected …" */
  expected: string;
  holds: (value: unknown) => boolean;
  /** may be absent (undefined, or null as in JSON) */
  optional?: boolean;
}

export type FieldRules = Readonly<Record<string, FieldRule>>;

/** The longest value that a search attribute holds. */
const maxIdLength = 255;
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const msPerYear = 365 * msPerDay;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Kinds of fields that inputs have. */
export const fields = {
  id: {
    expected: `a string of 1 to ${maxIdLength} characters`,
    holds: (value) => isText(value) && value.length <= maxIdLength,
  },
  uuid: { expected: 'a UUID', holds: (value) => isText(value) && uuidForm.test(value) },
  month: {
    expected: 'a month, YYYY-MM',
    holds: (value) => isText(value) && isBillingMonth(value),
  },
  day: { expected: 'a day, YYYY-MM-DD', holds: (value) => isText(value) && isUsageDay(value) },
  instant: {
    expected: 'a time, ISO 8601',
    holds: (value) => isText(value) && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  },
  /** a wait, possibly none */
  wait: {
    expected: 'milliseconds, from 0 to a year',
    holds: (value) => isNumber(value) && value >= 0 && value <= msPerYear,
  },
  /** a time limit or pause, which cannot be zero */
  time: {
    expected: 'milliseconds, more than 0 and at most a year',
    holds: (value) => isNumber(value) && value >= 1 && value <= msPerYear,
  },
  count: {
    expected: 'a whole number, 1 to 10000',
    holds: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 10_000,
  },
  days: {
    expected: 'days, a number from 0 to 36500',
    holds: (value) => isNumber(value) && value >= 0 && value <= 36_500,
  },
  step: {
    expected: `one of ${steps.map(({ name }) => name).join(', ')}`,
    // Runs that wait since before costs were a step call it so.
    holds: (value) => value === 'reports' || steps.some(({ name }) => name === value),
  },
  object: {
    expected: 'an object',
    holds: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  },
} as const satisfies FieldRules;

/** The field may be absent. */
export function optional(rule: FieldRule): FieldRule {
  return { ...rule, optional: true };
}

/**
 * Check an input that people may have typed.
 *
 * @param within name of the object that contains the fields, if it is not the input itself
 * @returns problems, one sentence per field; empty if all is well. Fields without a rule are ignored: a newer client
 *   may send them
 */
export function problemsOf(input: unknown, rules: FieldRules, within = ''): string[] {
  if (!fields.object.holds(input))
    return [`${within === '' ? 'the input' : within} is ${shown(input)}, expected an object`];
  const given = input as Readonly<Record<string, unknown>>;
  return Object.entries(rules).flatMap(([name, rule]) => {
    const value = given[name] ?? undefined;
    const path = within === '' ? name : `${within}.${name}`;
    if (value === undefined)
      return rule.optional === true ? [] : [`${path} is missing, expected ${rule.expected}`];
    return rule.holds(value) ? [] : [`${path} is ${shown(value)}, expected ${rule.expected}`];
  });
}

/** Longest value that is quoted in a sentence. */
const maxShownLength = 60;

/** A value as it was sent, shortened. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return typeof value;
  return text.length <= maxShownLength ? text : `${text.slice(0, maxShownLength)}…`;
}
