import { z } from 'zod';
import { contradiction, invalidParameter } from '../errors.ts';
import type { Report } from '../reports.ts';
import { isUsageDay } from '../../domain/time/usage-day.ts';
import { maxValues } from './query-string.ts';
import type { QueryTree } from './query-string.ts';

/** How the values of a field may be meant. The plain one has no name. */
export const operators = ['exact', 'and', 'or'] as const;
export type Operator = (typeof operators)[number];

const clouds = ['aws', 'azure', 'gcp'] as const;
/** The largest page, and what `limit` is without one. */
export const maxLimit = 1000;
export const defaultLimit = 100;
/** The most groups that can be ranked. */
const maxRank = 100_000;

/** A UTC day. */
export const day = z
  .string()
  .refine(isUsageDay, 'Expected a day as YYYY-MM-DD.')
  .meta({ description: 'UTC day, YYYY-MM-DD', format: 'date' });
/** A whole number from 0 to `max`. */
export const count = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'A valid integer is required.')
    .transform(Number)
    .refine((value) => value <= max, `Ensure this value is at most ${max}.`);
/** A list of texts, repeated or separated by commas. */
export const values = z.array(z.string().min(1, 'This field may not be blank.'));
/** `true` or `false`. */
export const flag = z
  .enum(['true', 'false', 'True', 'False'])
  .transform((text) => text.toLowerCase() === 'true');
const direction = z.enum(['asc', 'desc']);
/** Negative: the default, as in Koku. */
const limit = z
  .string()
  .regex(/^-?\d{1,9}$/, 'A valid integer is required.')
  .transform(Number)
  .meta({ description: `0: all; at most ${maxLimit}` });
const infrastructure = z.array(z.enum(clouds)).max(1, 'Expected one value.');
/** Clusters on Google's cloud cannot be excluded (match). */
const excludable = z.array(z.enum(['aws', 'azure'])).max(1, 'Expected one value.');

/** The keys of `filter` that decide which days are meant. */
export const timeFilters = {
  resolution: z.enum(['daily', 'monthly']).optional(),
  time_scope_units: z.enum(['day', 'month']).optional(),
  time_scope_value: z.enum(['-10', '-30', '-90', '-1', '-2', '-3']).optional(),
};

function withOperators(fields: readonly string[], known: readonly Operator[]): Record<string, z.ZodOptional> {
  const names = fields.flatMap((field) => [field, ...known.map((operator) => `${operator}:${field}`)]);
  return Object.fromEntries(names.map((name) => [name, values.optional()]));
}

function filterShape(report: Report): z.ZodRawShape {
  const ranked = report.name === 'vms' ? {} : { limit: count(maxRank).optional() };
  const offset = report.name === 'vms' || report.name === 'mig' ? {} : { offset: count(maxRank).optional() };
  const cloud =
    report.name === 'gpu' || report.name === 'mig' ? {} : { infrastructures: infrastructure.optional() };
  const months =
    report.name === 'vms'
      ? {
          resolution: z.literal('monthly').optional(),
          time_scope_units: z.literal('month').optional(),
          time_scope_value: z.enum(['-1', '-2', '-3']).optional(),
        }
      : timeFilters;
  return { ...months, ...ranked, ...offset, ...cloud, ...withOperators(report.filters, operators) };
}

function orderShape(report: Report): z.ZodRawShape {
  const keys = new Set([...report.orders, ...report.groups].filter((key) => key !== 'storageclass'));
  return Object.fromEntries([...keys].map((key) => [key, (key === 'date' ? day : direction).optional()]));
}

/**
 * What a report accepts, its labels aside: every parameter, its values, and what is refused. The OpenAPI document is
 * made from the same object.
 */
export function reportSchema(report: Report) {
  const cloud =
    report.name === 'gpu' || report.name === 'mig' ? {} : { infrastructures: excludable.optional() };
  const dates = report.name === 'vms' ? {} : { start_date: day.optional(), end_date: day.optional() };
  const groups =
    report.groups.length === 0
      ? {}
      : { group_by: z.strictObject(withOperators(report.groups, ['and', 'or'])).optional() };
  const deltas = [...report.deltas, ...pairs(report.ratios)];
  return z.strictObject({
    ...dates,
    ...groups,
    ...(deltas.length === 0 ? {} : { delta: z.enum(deltas).optional() }),
    ...(report.groups.includes('project') && report.tagKeys === 'used'
      ? { category: values.optional() }
      : {}),
    filter: z.strictObject(filterShape(report)).optional(),
    exclude: z.strictObject({ ...cloud, ...withOperators(report.excludes, operators) }).optional(),
    order_by: z.strictObject(orderShape(report)).optional(),
    currency: z
      .string()
      .regex(/^[A-Za-z]{3,5}$/, 'Expected an ISO 4217 code.')
      .optional(),
    limit: limit.optional(),
    offset: count(1_000_000).optional(),
  });
}

function pairs(names: readonly string[]): string[] {
  return names.flatMap((a) => names.filter((b) => b !== a).map((b) => `${a}__${b}`));
}

/** Fields whose values are single texts become texts, lists are split at commas. */
function shaped(schema: z.ZodObject, tree: Readonly<Record<string, unknown>>, parent?: string): object {
  const result = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(tree)) {
    const field = Object.hasOwn(schema.shape, name) ? unwrapped(schema.shape[name] as z.ZodType) : undefined;
    if (!Array.isArray(value)) {
      const inner = field instanceof z.ZodObject ? field : undefined;
      result[name] = inner === undefined ? value : shaped(inner, value as Record<string, unknown>, name);
    } else if (field instanceof z.ZodArray) {
      const list = (value as string[]).flatMap((text) => text.split(','));
      if (list.length > maxValues) throw contradiction(`Expected at most ${maxValues} values of ${name}.`);
      result[name] = list;
    } else {
      const last = (value as string[]).at(-1);
      if (value.length > 1 && !value.every((text) => text === last))
        throw invalidParameter(parent ?? name, parent && name, 'Given more than once.');
      result[name] = last;
    }
  }
  return result;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
}

/**
 * Parameters as the schema describes them.
 * @throws ApiError 400 for the first that is unknown or has an invalid value
 */
export function validated<Schema extends z.ZodObject>(schema: Schema, tree: QueryTree): z.output<Schema> {
  const result = schema.safeParse(shaped(schema, tree));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const [parameter, key] = (issue?.path ?? []).map(String);
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] ?? '';
    throw invalidParameter(
      parameter ?? unknown,
      parameter && unknown,
      'Unsupported parameter or invalid value',
    );
  }
  if (issue?.code === 'invalid_type' && issue.expected === 'object')
    throw invalidParameter(parameter ?? 'query', key, 'Expected a key in brackets.');
  throw invalidParameter(parameter ?? 'query', key, issue?.message ?? 'Invalid value.');
}
