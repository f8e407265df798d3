import type { ClientBase } from 'pg';
import { z } from 'zod';
import { loadSql } from '../platform/database/sql-files.ts';
import { checkNamed, restrictedKinds } from './access.ts';
import { invalidParameter, notFound } from './errors.ts';
import { linksOf, pageNames, pageOf } from './links.ts';
import type { Answer, Call } from './report-answer.ts';
import { parseQuery, queryTree } from './request/query-string.ts';
import { count, day, flag, timeFilters, validated, values } from './request/schema.ts';
import { firstOfMonth, timeScope } from './request/time-range.ts';
import type { TimeScope } from './request/time-range.ts';
import { readSettings } from './settings.ts';
import { pattern } from './sql/scope.ts';

const tagsSql = loadSql('api/tags.sql');
const tagValuesSql = loadSql('api/tag_values.sql');

/** Values of a key that the list of keys shows; the key's own list has all. */
const maxShownValues = 50;
const defaultLimit = 100;
const maxTagLimit = 1_000;

/** What the lists of label keys and of a key's values accept. */
export const tagSchema = z.strictObject({
  start_date: day.optional(),
  end_date: day.optional(),
  filter: z
    .strictObject({
      ...timeFilters,
      project: values.optional(),
      cluster: values.optional(),
      category: values.optional(),
      key: values.optional(),
      value: z.string().min(1).optional(),
      enabled: flag.optional(),
      type: z.enum(['pod', 'storage', '*']).optional(),
    })
    .optional(),
  key_only: flag.optional(),
  limit: count(1_000_000)
    .refine((limit) => limit >= 1, 'Ensure this value is at least 1.')
    .optional(),
  offset: count(100_000_000).optional(),
});

interface Tag {
  key: string;
  type: string | null;
  values: string[];
}

/** Label keys with their values, or the values of one key (API §7). @throws ApiError */
export async function tagsAnswer(client: ClientBase, key: string | undefined, call: Call): Promise<Answer> {
  const parameters = parseQuery(call.query);
  const asked = validated(tagSchema, queryTree(parameters));
  const filter = asked.filter ?? {};
  const settings = await readSettings(client);
  for (const field of ['cluster', 'project'] as const) checkNamed(call.access, field, filter[field] ?? []);
  if (key === undefined && filter.value !== undefined)
    throw invalidParameter('filter', 'value', 'Needs a key in the path.');
  if (filter.value !== undefined && filter.type !== undefined)
    throw invalidParameter('filter', 'type', 'Cannot be used with filter[value].');
  if (key !== undefined && !settings.tagKeys.has(key)) throw notFound(`There is no label key "${key}".`);
  const scope = timeScope(
    {
      start: asked.start_date,
      end: asked.end_date,
      units: filter.time_scope_units,
      value: filter.time_scope_value,
      resolution: filter.resolution,
    },
    { today: call.today, retentionMonths: settings.retentionMonths ?? call.retentionMonths },
  );
  const enabled = filter.enabled ?? true;
  const data = await listOf(client, {
    key,
    filter: { ...filter, enabled },
    scope,
    call,
    keyOnly: asked.key_only,
  });
  const page = { limit: Math.min(asked.limit ?? defaultLimit, maxTagLimit), offset: asked.offset ?? 0 };
  const times = scope.byDates ? {} : { time_scope_units: scope.units, time_scope_value: scope.value };
  return {
    meta: {
      count: data.length,
      ...page,
      filter: { ...filter, enabled, resolution: scope.resolution, ...times },
      group_by: {},
      order_by: {},
      exclude: {},
      ...(scope.byDates ? { start_date: asked.start_date, end_date: asked.end_date } : {}),
      key_only: asked.key_only ?? false,
      access: Object.fromEntries(restrictedKinds(call.access).map((kind) => [kind, call.access[kind]])),
      currency: settings.currency,
    },
    links: linksOf(call.path, parameters, { ...page, count: data.length, names: pageNames }),
    data: pageOf(data, page),
  };
}

interface List {
  key: string | undefined;
  filter: NonNullable<z.output<typeof tagSchema>['filter']> & { enabled: boolean };
  scope: TimeScope;
  call: Call;
  keyOnly: boolean | undefined;
}

async function listOf(client: ClientBase, list: List): Promise<unknown[]> {
  const { key, filter, call } = list;
  if (key !== undefined && filter.value !== undefined) {
    const { cluster = null, node = null, project = null } = call.access;
    const { rows } = await client.query<{ value: string }>(tagValuesSql, [
      key,
      pattern(filter.value),
      pattern(filter.value).slice(1),
      cluster,
      node,
      project,
      patternsOf(filter.cluster),
      patternsOf(filter.project),
      patternsOf(filter.key),
      patternsOf(filter.category),
      filter.enabled,
    ]);
    return rows.map(({ value }) => value);
  }
  const tags = await readTags(client, list);
  if (key === undefined) return tags.map((tag) => shown(tag, list));
  return [...new Set(tags.filter((tag) => tag.key === key).flatMap((tag) => tag.values))];
}

/** Patterns of LIKE that find one of the texts; null for all. */
function patternsOf(texts: readonly string[] | undefined): string[] | null {
  return texts === undefined || texts.includes('*') ? null : texts.map(pattern);
}

function shown({ key, type, values: all }: Tag, { filter, keyOnly }: List): unknown {
  if (keyOnly === true) return key;
  const more = all.length - maxShownValues;
  return {
    key,
    values: more > 0 ? [...all.slice(0, maxShownValues), `${more} more...`] : all,
    ...(filter.type === undefined ? {} : { type: type ?? filter.type }),
    enabled: filter.enabled,
  };
}

async function readTags(client: ClientBase, { filter, scope, call }: List): Promise<Tag[]> {
  const { cluster = null, node = null, project = null } = call.access;
  const { rows } = await client.query<{ key: string; type: string | null; values: string[] }>(tagsSql, [
    firstOfMonth(scope.range.start),
    scope.range.end,
    filter.enabled,
    cluster,
    node,
    project,
    patternsOf(filter.cluster),
    patternsOf(filter.project),
    patternsOf(filter.key),
    patternsOf(filter.category),
    filter.type === '*' ? null : (filter.type ?? null),
    filter.type !== undefined,
  ]);
  return rows;
}
