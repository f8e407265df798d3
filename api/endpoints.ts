import type { ClientBase } from 'pg';
import { csvOf } from './csv.ts';
import { notFound } from './errors.ts';
import { jsonAnswer, readReport } from './report-answer.ts';
import type { Answer, Call } from './report-answer.ts';
import { csvPage, reportCsvRows } from './report-csv.ts';
import { reports } from './reports.ts';
import type { Report } from './reports.ts';
import { resourceTypeAnswer, resourceTypes, resourceTypesAnswer } from './resource-types.ts';
import { tagsAnswer } from './tags.ts';

/** A call, and how it is to be answered. */
export interface AnswerCall extends Call {
  format: 'json' | 'csv';
}

/** What is sent. */
export type Sent = { format: 'json'; body: Answer } | { format: 'csv'; text: string };

type Endpoint =
  | { kind: 'report'; report: Report }
  | { kind: 'list'; answer: (client: ClientBase, call: Call) => Promise<Answer> };

const tagKeyForm = /^tags\/openshift\/([^/]+(?:\/[^/]+)*)\/$/;

/** The endpoint of a path below the prefix; undefined if there is none. */
function endpointOf(path: string): Endpoint | undefined {
  const report = Object.values(reports).find((known) => known.path === path);
  if (report !== undefined) return { kind: 'report', report };
  if (path === 'tags/openshift/') return list((client, call) => tagsAnswer(client, undefined, call));
  const key = tagKeyForm.exec(path)?.[1];
  if (key !== undefined) return list((client, call) => tagsAnswer(client, decoded(key), call));
  if (path === 'resource-types/') return list(resourceTypesAnswer);
  const type = resourceTypes.find((known) => path === `resource-types/${known.path}/`);
  return type === undefined ? undefined : list((client, call) => resourceTypeAnswer(client, type, call));
}

function list(answerList: (client: ClientBase, call: Call) => Promise<Answer>): Endpoint {
  return { kind: 'list', answer: answerList };
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
export async function answer(
  client: ClientBase,
  path: string,
  call: AnswerCall,
): Promise<Sent & { warnings: string[] }> {
  const endpoint = endpointOf(path);
  if (endpoint === undefined) throw notFound(`There is no endpoint ${path}`);
  if (endpoint.kind === 'list') {
    const body = await endpoint.answer(client, call);
    return call.format === 'json'
      ? { format: 'json', body, warnings: [] }
      : { format: 'csv', text: csvOf(body.data.map(listRow)), warnings: [] };
  }
  const read = await readReport(client, endpoint.report, call);
  const warnings = read.unknownCurrencies.map(
    (currency) => `no exchange rate from ${currency} to ${read.currency}`,
  );
  return call.format === 'json'
    ? { format: 'json', body: jsonAnswer(call, read), warnings }
    : { format: 'csv', text: csvOf(csvPage(reportCsvRows(read), read)), warnings };
}

/** An answer to an unknown organisation: nothing is known of it, and that is no error. */
export function emptyAnswer(call: Call): Answer {
  const link = `${call.path}?limit=0&offset=0`;
  return { meta: { count: 0 }, links: { first: link, next: null, previous: null, last: link }, data: [] };
}

function listRow(item: unknown): Record<string, unknown> {
  return typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : { value: item };
}
