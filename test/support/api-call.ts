import type { PoolClient } from 'pg';
import { fullAccess } from '../../api/access.ts';
import type { AccessLists } from '../../api/access.ts';
import { answer } from '../../api/endpoints.ts';
import type { ReadRequest } from '../../api/handle.ts';
import { differences, goldenAnswers } from './api-fixtures.ts';
import type { TestDatabase } from './database.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';

/** How to ask. */
export interface CallOptions {
  today: string;
  access?: AccessLists;
  accept?: string;
}

/** Where the tests find the read API. */
export const apiPrefix = '/api/cost-management/v1/';

/** A request of somebody who may see everything of an organisation. @param below path below the prefix */
export function readRequest(
  orgId: string,
  below: string,
  { query = '', ...more }: Partial<ReadRequest> = {},
): ReadRequest {
  return {
    prefix: apiPrefix,
    path: `${apiPrefix}${below}`,
    query,
    accept: undefined,
    ifNoneMatch: undefined,
    orgId,
    access: fullAccess,
    ...more,
  };
}

/** What the API answers to a URL, in JSON; an error is thrown. */
async function jsonOf(database: TestDatabase, url: string, options: CallOptions): Promise<unknown> {
  return inTenantTransaction(database.pool, database.schema, (client) => answerOn(client, url, options));
}

/** The same, in the transaction of a client. */
export async function answerOn(client: PoolClient, url: string, options: CallOptions): Promise<unknown> {
  const [path = '', query = ''] = url.split('?');
  const found = await answer(client, path.replace(apiPrefix, ''), {
    path,
    query,
    access: options.access ?? fullAccess,
    today: options.today,
    retentionMonths: 4,
    format: options.accept === 'text/csv' ? 'csv' : 'json',
  });
  // As a client sees it.
  return found.format === 'csv'
    ? [...found.pieces].join('')
    : (JSON.parse(JSON.stringify(found.body)) as unknown);
}

/** Keys of the database that Koku ran in. */
const ofItsDatabase = new Set(['source_uuid']);

/**
 * Where answers differ from those that Koku gave over a golden data set, three per request at most.
 *
 * @param options.ties the tables were computed anew: groups whose costs are equal but for rounding may change places
 * @throws Error when the set does not have its 20 answers
 */
export async function wrongAnswers(
  database: TestDatabase,
  set: string,
  options: { ties?: boolean } = {},
): Promise<string[]> {
  const answers = await goldenAnswers(set);
  if (answers.length !== 20) throw new Error(`expected 20 answers of ${set}, found ${answers.length}`);
  const wrong: string[] = [];
  for (const { name, url, answer: expected } of answers) {
    const answered = await jsonOf(database, url, { today: '2026-11-23' });
    const found = options.ties === true ? inOrderOf(answered, expected) : answered;
    const texts = differences(found, expected, ofItsDatabase).slice(0, 3);
    wrong.push(...texts.map((text) => `${name}${text}`));
  }
  return wrong;
}

/** The answer with groups of equal cost in the order of the other one, at every depth. */
function inOrderOf(found: unknown, expected: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(expected)) {
    const rest = [...(found as unknown[])];
    const ordered = (expected as unknown[]).map((element, index) => {
      const place = rest.findIndex(
        (candidate) =>
          differences(inOrderOf(candidate, element), element, ofItsDatabase).length === 0 &&
          areTied(candidate, found[index]),
      );
      return inOrderOf(rest.splice(Math.max(place, 0), 1)[0], element);
    });
    return [...ordered, ...rest];
  }
  if (!isObject(found) || !isObject(expected)) return found;
  return Object.fromEntries(
    Object.entries(found).map(([key, value]) => [key, inOrderOf(value, expected[key])]),
  );
}

/** Is it the same element, or do both have the same total cost? */
function areTied(a: unknown, b: unknown): boolean {
  const [first, second] = [totalOf(a), totalOf(b)];
  return (
    a === b ||
    (first !== undefined && second !== undefined && Math.abs(first - second) < 1e-9 * Math.abs(first))
  );
}

function totalOf(group: unknown): number | undefined {
  const values = isObject(group) && Array.isArray(group['values']) ? (group['values'] as unknown[]) : [];
  const [row] = values as { cost?: { total?: { value?: number } } }[];
  return row?.cost?.total?.value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
