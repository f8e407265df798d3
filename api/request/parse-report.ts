import { checkNamed } from '../access.ts';
import type { AccessLists } from '../access.ts';
import { contradiction, invalidParameter } from '../errors.ts';
import type { Field, Report } from '../reports.ts';
import { checkCombinations, deltaOf, orderColumns, orderOf } from './order-and-delta.ts';
import { parseQuery, queryTree } from './query-string.ts';
import type { Parameter } from './query-string.ts';
import type { FieldValues, Group, ReportRequest } from './report-request.ts';
import { defaultLimit, maxLimit, operators, reportSchema, validated } from './schema.ts';
import type { Operator } from './schema.ts';
import { takeTags } from './tag-parameters.ts';
import type { TagParameter } from './tag-parameters.ts';
import { timeScope } from './time-range.ts';
import type { Resolution } from './time-range.ts';

/** What a request is judged by, besides its parameters. */
export interface RequestContext {
  /** UTC day */
  today: string;
  retentionMonths: number;
  access: AccessLists;
  /** label keys that may be named: those of the tenant's settings, enabled or not */
  tagKeys: ReadonlySet<string>;
}

/** A section with its keys in brackets, after validation. */
export type Section = Readonly<Record<string, unknown>>;
/** All parameters after validation. */
export interface Sections {
  filter: Section;
  exclude: Section;
  group_by: Section;
  order_by: Section;
  rest: Section;
}

/**
 * The request of a report, from the query of its URL (API §2).
 * @throws ApiError 400 for what is unknown, invalid or contradictory; 403 for names outside the access lists
 */
export function parseReport(report: Report, query: string, context: RequestContext): ReportRequest {
  const parameters = parseQuery(query);
  const tree = queryTree(parameters);
  const tags = takeTags(tree).filter(() => report.tagKeys === 'used');
  const sections = sectionsOf(validated(reportSchema(report), tree));
  for (const { parameter, name, key } of tags)
    if (!context.tagKeys.has(key))
      throw invalidParameter(parameter, name, 'Unsupported parameter or invalid value');
  const text = (name: string) => sections.rest[name] as string | undefined;
  const scope = timeScope(
    {
      start: text('start_date'),
      end: text('end_date'),
      units: sections.filter['time_scope_units'] as 'day' | 'month' | undefined,
      value: sections.filter['time_scope_value'] as string | undefined,
      resolution: sections.filter['resolution'] as Resolution | undefined,
    },
    { ...context, defaultUnits: report.name === 'vms' ? 'month' : 'day' },
  );
  checkAccess(context.access, sections);
  const groups = groupsOf(report, parameters);
  const values = fieldValues(report, sections, tags, groups);
  const request: ReportRequest = {
    report,
    scope,
    ...values,
    infrastructures: (sections.filter['infrastructures'] as string[] | undefined) ?? [],
    excludedInfrastructures: (sections.exclude['infrastructures'] as string[] | undefined) ?? [],
    groups,
    order: orderOf(report, parameters, sections, groups),
    rank: rankOf(sections.filter),
    page: pageOf(sections.rest),
    delta: deltaOf(report, text('delta'), groups),
    categories: sections.rest['category'] as string[] | undefined,
    currency: text('currency')?.toUpperCase(),
    echo: echoOf(scope, sections, tags, text('start_date'), text('end_date')),
  };
  checkCombinations(request, sections, context);
  return request;
}

function sectionsOf(parsed: Record<string, unknown>): Sections {
  const { filter, exclude, group_by, order_by, ...rest } = parsed;
  const section = (value: unknown) => (value ?? {}) as Section;
  return {
    filter: section(filter),
    exclude: section(exclude),
    group_by: section(group_by),
    order_by: section(order_by),
    rest,
  };
}

const namedForm = /^(?:(exact|or):)?([a-z_]+)$/;

/** `and:` names no whole value, so that it cannot be compared with a list; the list holds all the same. */
function checkAccess(access: AccessLists, sections: Sections): void {
  for (const section of [sections.filter, sections.group_by])
    for (const [name, values] of Object.entries(section)) {
      const field = namedForm.exec(name)?.[2];
      if (field !== undefined && Array.isArray(values)) checkNamed(access, field, values as string[]);
    }
}

const groupForm = /^(?:(?:and|or):)?(?:(tag):)?(.+)$/s;

/** The groups in the order of their parameters. @throws ApiError 400 for more than two */
function groupsOf(report: Report, parameters: readonly Parameter[]): Group[] {
  const groups: Group[] = [];
  for (const { name, key } of parameters) {
    if (name !== 'group_by' || key === undefined) continue;
    const [, tag, bare = ''] = groupForm.exec(key) ?? [];
    if (tag !== undefined && report.tagKeys === 'dropped') continue;
    const group: Group = tag === undefined ? { field: bare as Field } : { tag: bare };
    // The project is accepted for MIG instances, and has no effect there.
    if (report.name === 'mig' && group.field === 'project') continue;
    if (!groups.some((other) => other.field === group.field && other.tag === group.tag)) groups.push(group);
  }
  if (groups.length > 2) throw contradiction('Max limit of 2 group_by options exceeded.');
  return groups;
}

function fieldValues(
  report: Report,
  sections: Sections,
  tags: readonly TagParameter[],
  groups: readonly Group[],
) {
  const ofFields = (known: readonly Field[], section: Section, grouped: Section) => {
    const found = new Map<Field, FieldValues>();
    for (const field of known) {
      const values = emptyValues();
      addValues(values, undefined, section[field], false);
      addValues(values, undefined, grouped[field], true);
      for (const operator of operators) {
        addValues(values, operator, section[`${operator}:${field}`], false);
        addValues(values, operator, grouped[`${operator}:${field}`], true);
      }
      if (isUsed(values)) found.set(field, values);
    }
    return found;
  };
  const ofTags = (from: readonly TagParameter['parameter'][]) => {
    const found = new Map<string, FieldValues>();
    for (const { parameter, key, operator, values } of tags) {
      if (!from.includes(parameter)) continue;
      const known = found.get(key) ?? emptyValues();
      addValues(known, operator, values, parameter === 'group_by');
      if (isUsed(known)) found.set(key, known);
    }
    return found;
  };
  const fields = [...new Set([...report.filters, ...groups.flatMap(({ field }) => field ?? [])])];
  return {
    filters: ofFields(fields, sections.filter, sections.group_by),
    tagFilters: ofTags(['filter', 'group_by']),
    excludes: ofFields(report.excludes, sections.exclude, {}),
    tagExcludes: ofTags(['exclude']),
  };
}

function emptyValues(): FieldValues {
  return { plain: [], exact: [], and: [], or: [], any: false };
}

/** `*` of a group asks for all of its values, and restricts nothing; that of a filter lifts the filter. */
function addValues(to: FieldValues, operator: Operator | undefined, given: unknown, ofGroup: boolean): void {
  if (!Array.isArray(given)) return;
  const named = (given as string[]).filter((value) => value !== '*');
  if (named.length < given.length && !ofGroup && (operator === undefined || operator === 'exact'))
    to.any = true;
  to[operator ?? 'plain'].push(...named);
}

function isUsed({ plain, exact, and, or, any }: FieldValues): boolean {
  return any || plain.length + exact.length + and.length + or.length > 0;
}

function rankOf(filter: Section): ReportRequest['rank'] {
  const limit = filter['limit'] as number | undefined;
  const offset = filter['offset'] as number | undefined;
  if (limit === undefined) {
    if (offset !== undefined) throw invalidParameter('filter', 'offset', 'Needs filter[limit].');
    return undefined;
  }
  return limit === 0 ? undefined : { limit, offset };
}

/** Anything but a page that can be given is the default: a negative limit means it, and a large one is cut. */
function pageOf(rest: Section): { limit: number; offset: number } {
  const limit = (rest['limit'] as number | undefined) ?? defaultLimit;
  const offset = (rest['offset'] as number | undefined) ?? 0;
  if (limit < 0) return { limit: defaultLimit, offset };
  return { limit: Math.min(limit, maxLimit), offset };
}

function echoOf(
  scope: ReportRequest['scope'],
  sections: Sections,
  tags: readonly TagParameter[],
  startDate: string | undefined,
  endDate: string | undefined,
): ReportRequest['echo'] {
  const tagged = (parameter: TagParameter['parameter']) =>
    Object.fromEntries(
      tags.filter((tag) => tag.parameter === parameter).map(({ name, values }) => [name, values]),
    );
  const times = scope.byDates
    ? { resolution: scope.resolution }
    : { resolution: scope.resolution, time_scope_units: scope.units, time_scope_value: scope.value };
  const filter = { ...sections.filter, ...tagged('filter'), ...times };
  const replaced = Object.entries({ ...sections.group_by, ...tagged('group_by') }).map(([name, values]) => {
    const plain = (filter as Record<string, unknown>)[name];
    return [name, plain !== undefined && (values as string[]).includes('*') ? plain : values];
  });
  return {
    filter,
    group_by: Object.fromEntries(replaced) as Record<string, unknown>,
    order_by: Object.fromEntries(
      Object.entries({ ...sections.order_by, ...tagged('order_by') }).map(([name, value]) => [
        orderColumns[name] ?? name,
        Array.isArray(value) ? value[0] : value,
      ]),
    ),
    exclude: { ...sections.exclude, ...tagged('exclude') },
    startDate,
    endDate,
  };
}
