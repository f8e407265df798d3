import type { ClientBase } from 'pg';
import { csvPieces } from './csv.ts';
import { notFound } from './errors.ts';
import { jsonAnswer, readReport } from './report-answer.ts';
import type { Answer, Call } from './report-answer.ts';
import { blankCsvRow, csvPage, reportCsvRows } from './report-csv.ts';
import { reports } from './reports.ts';
import type { Report } from './reports.ts';
import { columnsOf, resourceTypeAnswer, resourceTypes, resourceTypesAnswer } from './resource-types.ts';
import { tagsAnswer } from './tags.ts';

/** A call, and how it is to be answered. */
export interface AnswerCall extends Call {
  format: 'json' | 'csv';
}

/** What is sent. */
export type Sent = ({ format: 'json'; body: Answer } | { format: 'csv'; pieces: Iterable<string> }) & {
  /** currencies of amounts for which no rate to the answer's is known, in their order */
  withoutRate: readonly string[];
  currency?: string;
};

type Endpoint =
  | { kind: 'report'; report: Report }
  | { kind: 'list'; columns: readonly string[]; answer: (client: ClientBase, call: Call) => Promise<Answer> };

const tagKeyForm = /^tags\/openshift\/([^/]+(?:\/[^/]+)*)\/$/;

/** The endpoint of a path below the prefix; undefined if there is none. */
function endpointOf(path: string): Endpoint | undefined {
  const report = Object.values(reports).find((known) => known.path === path);
  if (report !== undefined) return { kind: 'report', report };
  if (path === 'tags/openshift/')
    return list(['key', 'enabled'], (client, call) => tagsAnswer(client, undefined, call));
  const key = tagKeyForm.exec(path)?.[1];
  if (key !== undefined) return list(['value'], (client, call) => tagsAnswer(client, decoded(key), call));
  if (path === 'resource-types/') return list(['value', 'path', 'count'], resourceTypesAnswer);
  const type = resourceTypes.find((known) => path === `resource-types/${known.path}/`);
  return type && list(columnsOf(type), (client, call) => resourceTypeAnswer(client, type, call));
}

/** @param columns of its CSV: those of an answer without rows */
function list(
  columns: readonly string[],
  answerList: (client: ClientBase, call: Call) => Promise<Answer>,
): Endpoint {
  return { kind: 'list', columns, answer: answerList };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notFound('The path is not percent-encoded correctly.');
  }
}

/**
 * Answer a call in the transaction of the client, whose search path is the tenant's.
 *
 * @param path below the prefix, with its trailing slash
 * @throws ApiError for what the client is told; anything else is a failure of ours
 */
export async function answer(client: ClientBase, path: string, call: AnswerCall): Promise<Sent> {
  const endpoint = endpointOf(path);
  if (endpoint === undefined) throw notFound(`There is no endpoint ${path}`);
  if (endpoint.kind === 'list') {
    const body = await endpoint.answer(client, call);
    if (call.format === 'json') return { format: 'json', body, withoutRate: [] };
    const columns = body.meta['key_only'] === true ? ['value'] : endpoint.columns;
    const blank = Object.fromEntries(columns.map((name) => [name, null]));
    return { format: 'csv', pieces: csvPieces(body.data.map(listRow), blank), withoutRate: [] };
  }
  const read = await readReport(client, endpoint.report, call);
  const { currency, withoutRate } = read;
  if (call.format === 'json') return { format: 'json', body: jsonAnswer(call, read), currency, withoutRate };
  const pieces = csvPieces(csvPage(reportCsvRows(read), read), blankCsvRow(read));
  return { format: 'csv', pieces, currency, withoutRate };
}

/** An answer to an unknown organisation: nothing is known of it, and that is no error. */
export function emptyAnswer(call: Call): Answer {
  const link = `${call.path}?limit=0&offset=0`;
  return { meta: { count: 0 }, links: { first: link, next: null, previous: null, last: link }, data: [] };
}

function listRow(item: unknown): Record<string, unknown> {
  return typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : { value: item };
}
