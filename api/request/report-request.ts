import type { Field, Report } from '../reports.ts';
import type { TimeScope } from './time-range.ts';

/** Values that one field is filtered or excluded by; `*` has been resolved. */
export interface FieldValues {
  /** contains one of them */
  plain: string[];
  /** equals one of them */
  exact: string[];
  /** contains all of them */
  and: string[];
  /** contains one of them, in addition to the others */
  or: string[];
  /** `*`: of a tag, that the key is there; of anything else, no restriction */
  any: boolean;
}

/** What rows are nested by: a field, or a label key. */
export type Group = { field: Field; tag?: never } | { tag: string; field?: never };

/** Name of a group in answers. */
export function groupName(group: Group): string {
  return group.field ?? group.tag;
}

/** Columns of the statement that can be ordered by, or a group by its position. */
export type OrderKey =
  { column: string; isMeasure: boolean } | { group: number } | { delta: true } | { day: string };

/** What changed since the period before, or how two measures compare. */
export type Delta =
  { kind: 'previous'; column: string } | { kind: 'ratio'; numerator: string; denominator: string };

/** A validated request of a report. Everything that decides the answer, besides access and the tenant, is in here. */
export interface ReportRequest {
  report: Report;
  scope: TimeScope;
  filters: ReadonlyMap<Field, FieldValues>;
  tagFilters: ReadonlyMap<string, FieldValues>;
  excludes: ReadonlyMap<Field, FieldValues>;
  tagExcludes: ReadonlyMap<string, FieldValues>;
  /** types of the cloud providers that clusters run on */
  infrastructures: readonly string[];
  excludedInfrastructures: readonly string[];
  groups: readonly Group[];
  order: { key: OrderKey; descending: boolean } | undefined;
  rank: { limit: number; offset: number | undefined } | undefined;
  /** 0: all */
  page: { limit: number; offset: number };
  delta: Delta | undefined;
  /** namespaces of these cost categories are merged; `*` for all categories; undefined: not asked */
  categories: readonly string[] | undefined;
  /** upper case; undefined: the tenant's */
  currency: string | undefined;
  /** the parameters as understood, for `meta` */
  echo: Readonly<Record<'filter' | 'group_by' | 'order_by' | 'exclude', Record<string, unknown>>> & {
    startDate: string | undefined;
    endDate: string | undefined;
  };
}

/** Does a group have this field? */
export function isGroupedBy(request: ReportRequest, field: Field): boolean {
  return request.groups.some((group) => group.field === field);
}

/** Does a ranking show the sum of the groups beyond it? Instances of GPUs have nothing to add up. */
export function hasOthers({ rank, report }: ReportRequest): boolean {
  return rank !== undefined && rank.offset === undefined && report.name !== 'mig';
}

/** Are rows restricted or grouped by a label? Then usage says nothing about efficiency (API §4.4). */
export function hasScore(request: ReportRequest): boolean {
  return (
    request.tagFilters.size === 0 &&
    request.groups.length < 2 &&
    request.groups.every((group) => group.tag === undefined)
  );
}
