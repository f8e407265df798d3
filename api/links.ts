import type { Parameter } from './request/query-string.ts';

/** Where an answer's pages are; absent ones are null. */
export interface Links {
  first: string;
  next: string | null;
  previous: string | null;
  last: string;
}

/** The page of an answer. */
export interface Page {
  /** 0: everything */
  limit: number;
  offset: number;
  count: number;
  /** names of the parameters that turn the pages */
  names: { limit: string; offset: string };
}

/** Paging over periods and lists, and over ranked groups. */
export const pageNames = { limit: 'limit', offset: 'offset' };
export const rankNames = { limit: 'filter[limit]', offset: 'filter[offset]' };

/** Percent-encoding as Python and Django write it. */
function encoded(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/**
 * Links to the pages of an answer (API §5.1): path and query, parameters sorted by name. `last` begins `limit` before
 * the end, which is no multiple of `limit` (match).
 */
export function linksOf(path: string, parameters: readonly Parameter[], page: Page): Links {
  const { limit, offset, count, names } = page;
  const own = parameters
    .map(({ name, key, value }): [string, string] => [key === undefined ? name : `${name}[${key}]`, value])
    .filter(([name]) => name !== names.limit && name !== names.offset);
  const link = (to: number | undefined) => {
    const all: [string, string][] = [...own, [names.limit, String(limit)]];
    if (to !== undefined) all.push([names.offset, String(to)]);
    const sorted = all.map(([name, value]) => [encoded(name), encoded(value)] as const);
    sorted.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
    return `${path}?${sorted.map(([name, value]) => `${name}=${value}`).join('&')}`;
  };
  const before = offset - limit;
  return {
    first: link(0),
    next: limit > 0 && offset + limit < count ? link(offset + limit) : null,
    previous: offset <= 0 ? null : link(before > 0 && limit > 0 ? before : undefined),
    last: link(limit === 0 ? 0 : Math.max(count - limit, 0)),
  };
}

/** The part of a list that a page shows. */
export function pageOf<T>(items: readonly T[], { limit, offset }: { limit: number; offset: number }): T[] {
  return items.slice(offset, limit === 0 ? undefined : offset + limit);
}
