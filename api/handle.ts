import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Pool } from 'pg';
import { inSnapshot, searchTenant } from '../platform/database/database.ts';
import { packageVersion } from '../platform/config/package-root.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { findOrganisation } from '../platform/tenants/organisation.ts';
import type { AccessLists } from './access.ts';
import { answer, emptyAnswer } from './endpoints.ts';
import type { Sent } from './endpoints.ts';
import { ApiError, dependencyFailed, errorBody } from './errors.ts';
import { openApiDocument } from './openapi.ts';
import type { Call } from './report-answer.ts';
import { readCurrencies } from './settings.ts';
import type { KokuCurrencies } from './settings.ts';
import { statusAnswer } from './status.ts';
import type { BlockedRuns } from './status.ts';

const versionsSql = loadSql('api/versions.sql');
const program = packageVersion();

/** What the read API works with. */
export interface ReadDeps {
  /** connections of a role that needs no more than to read */
  pool: Pool;
  /** of each statement, ms */
  timeoutMs: number;
  /** of the deployment */
  retentionMonths: number;
  now(): Date;
  /** Report what stops nothing. */
  warn(fields: object, message: string): void;
  /** runs of an organisation that wait for a decision */
  blockedRuns(orgId: string): Promise<BlockedRuns>;
}

/** One request of somebody who has been let in. */
export interface ReadRequest {
  /** prefix of all paths, with slashes at both ends */
  prefix: string;
  /** the whole path */
  path: string;
  /** without the question mark */
  query: string;
  accept: string | undefined;
  ifNoneMatch: string | undefined;
  orgId: string;
  access: AccessLists;
}

/** What is sent back. */
export interface ReadResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** a stream is sent as it is, anything else as JSON; undefined: no body */
  body: unknown;
}

/** Of every answer, errors too: it is one reader's, and asked for again each time. */
export const everyAnswer = {
  'cache-control': 'private, no-cache',
  vary: 'x-rh-identity, Authorization, Accept',
};

/** Answer a request; never throws. Errors are told as the client of Koku's API knows them. */
export async function handleRead(deps: ReadDeps, request: ReadRequest): Promise<ReadResponse> {
  try {
    return await answered(deps, request);
  } catch (error) {
    return errorResponse(error, (cause) => {
      deps.warn({ error: cause, path: request.path }, 'a request of the read API failed');
    });
  }
}

/** The response to an error: what was wrong with the request, 424 if the database is away, else 500. */
export function errorResponse(error: unknown, report: (error: unknown) => void): ReadResponse {
  const known = error instanceof ApiError ? error : databaseError(error);
  if (known === undefined || known.status === 424) report(error);
  return {
    status: known?.status ?? 500,
    headers: everyAnswer,
    body:
      known === undefined
        ? errorBody(500, 'The request failed; the log of the server says why.')
        : known.body,
  };
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
]);

/** A database that is away, shuts down or takes too long; the client may try again. */
function databaseError(error: unknown): ApiError | undefined {
  const { code, message } = error as { code?: string; message?: string };
  if (code === '57014')
    return dependencyFailed('The database took too long; ask for fewer days or groups.', error);
  if (code === '42501')
    return dependencyFailed(
      'The database role of the API may not read this organisation; its operator grants it (docs/api.md).',
      error,
    );
  const away =
    (code !== undefined && (networkCodes.has(code) || /^(08|53|57P)/.test(code))) ||
    /timeout exceeded when trying to connect|Connection terminated/.test(message ?? '');
  return away ? dependencyFailed('The database does not answer; try again later.', error) : undefined;
}

async function answered(deps: ReadDeps, request: ReadRequest): Promise<ReadResponse> {
  const today = deps.now().toISOString().slice(0, 10);
  const { path, query, access } = request;
  const call: Call = { path, query, access, today, retentionMonths: deps.retentionMonths };
  const below = path.startsWith(request.prefix) ? path.slice(request.prefix.length) : path;
  if (below === 'openapi.json') return json(openApiDocument(request.prefix), {});
  const blocked = below === 'status/' ? await deps.blockedRuns(request.orgId) : undefined;
  return inSnapshot(deps.pool, deps.timeoutMs, async (client) => {
    const organisation = await findOrganisation(client, request.orgId);
    if (organisation?.isMigrated !== true) return json(emptyAnswer(call), {});
    await searchTenant(client, organisation.schema);
    if (blocked !== undefined) return json(await statusAnswer(client, request.orgId, call, blocked), {});
    const { rows } = await client.query<{ versions: string | null }>(versionsSql);
    const etag = etagOf({ request, call, versions: rows[0]?.versions ?? null }, await readCurrencies(client));
    const headers = etag === undefined ? {} : { etag };
    const unchanged: ReadResponse = { status: 304, headers: { ...everyAnswer, ...headers }, body: undefined };
    // Only an answer has this tag, so that the request is valid and allowed.
    if (etag !== undefined && tagsOf(request.ifNoneMatch).includes(etag)) return unchanged;
    const format = wantsCsv(request.accept) ? 'csv' : 'json';
    const sent = await answer(client, below, { ...call, format });
    if (etag !== undefined && tagsOf(request.ifNoneMatch).includes('*')) return unchanged;
    return written(sent, headers, (message) => deps.warn({ orgId: request.orgId, path }, message));
  });
}

/** An answer as it is sent. What could not be converted is logged, and named in a header. */
function written(
  sent: Sent,
  headers: Readonly<Record<string, string>>,
  warn: (message: string) => void,
): ReadResponse {
  const { withoutRate, currency = '' } = sent;
  for (const from of withoutRate) warn(`no exchange rate from ${from} to ${currency}`);
  const all = withoutRate.length === 0 ? headers : { ...headers, 'x-not-converted': withoutRate.join(', ') };
  if (sent.format === 'json') return json(sent.body, all);
  return {
    status: 200,
    headers: { ...everyAnswer, ...all, 'content-type': 'text/csv; charset=utf-8' },
    body: Readable.from(sent.pieces),
  };
}

function json(body: unknown, headers: Readonly<Record<string, string>>): ReadResponse {
  return {
    status: 200,
    headers: { ...everyAnswer, ...headers, 'content-type': 'application/json; charset=utf-8' },
    body,
  };
}

/**
 * Of everything that decides the answer, this program's version included; undefined where somebody else changes the
 * tables unseen.
 */
function etagOf(
  { request, call, versions }: { request: ReadRequest; call: Call; versions: string | null },
  { enabledCurrencies, ...currencies }: KokuCurrencies,
): string | undefined {
  if (versions === null) return undefined;
  const { path, query, accept, orgId, access } = request;
  const { today, retentionMonths } = call;
  const format = wantsCsv(accept) ? 'csv' : 'json';
  const hash = createHash('sha256').update(
    JSON.stringify([
      ...[path, query, format, orgId, access, today, versions, retentionMonths, program],
      ...[enabledCurrencies === undefined ? null : [...enabledCurrencies], currencies],
    ]),
  );
  return `"${hash.digest('base64url')}"`;
}

function tagsOf(header: string | undefined): string[] {
  return (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}

/** CSV is asked for by name only, and not if JSON is preferred; anything else gets JSON, as in Koku. */
function wantsCsv(accept: string | undefined): boolean {
  const weights = new Map(
    (accept ?? '').split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [type, weight === undefined ? 1 : Number(weight)];
    }),
  );
  const csv = weights.get('text/csv') ?? 0;
  return csv > 0 && csv >= (weights.get('application/json') ?? 0);
}
