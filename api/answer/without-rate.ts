import type { ClientBase } from 'pg';
import { ask } from './answer-rows.ts';
import type { AnswerRow } from './answer-rows.ts';
import type { Columns } from './row.ts';
import type { DayRange } from '../request/time-range.ts';
import { hasRate, rawCurrenciesTo } from '../settings.ts';
import type { TenantSettings } from '../settings.ts';
import type { Asked } from '../sql/scope.ts';
import { rawCurrenciesStatement, sourcesStatement } from '../sql/statements.ts';

/** All rows of some days at once: those of the answer, and those that it is compared with. */
export interface Totalled {
  range: DayRange;
  total: Columns;
}

/** What amounts are converted to, and by what. */
interface To {
  settings: TenantSettings;
  currency: string;
}

/**
 * Currencies of amounts in an answer for which no rate to its currency is known, in their order: those of the cost
 * models of its sources, and of raw costs. Such amounts are shown as they are.
 */
export async function withoutRate(
  client: ClientBase,
  asked: Asked,
  to: To,
  read: { rows: readonly AnswerRow[]; periods: readonly Totalled[] },
): Promise<string[]> {
  const { name } = asked.request.report;
  if (name === 'mig') return [];
  const found = new Set(await modelCurrencies(client, asked, to, read.rows));
  // GPUs have no raw costs.
  if (name !== 'gpu')
    for (const period of read.periods)
      for (const currency of await rawCurrencies(client, asked, to, period)) found.add(currency);
  return [...found].sort();
}

/** Currencies of cost models that are not converted, of the sources in an answer. */
async function modelCurrencies(
  client: ClientBase,
  asked: Asked,
  { settings, currency }: To,
  rows: readonly AnswerRow[],
): Promise<string[]> {
  const lacking = new Map(
    [...settings.modelCurrencies].filter(([, from]) => !hasRate(settings, from, currency)),
  );
  if (lacking.size === 0) return [];
  const sources = await sourcesOf(client, asked, [...lacking.keys()], rows);
  return sources.flatMap((source) => lacking.get(source) ?? []);
}

/** Rows name their sources, but of ranks with an offset they are not all that the total is of. */
async function sourcesOf(
  client: ClientBase,
  asked: Asked,
  among: readonly string[],
  rows: readonly AnswerRow[],
): Promise<string[]> {
  const { rank, scope } = asked.request;
  if (rank?.offset === undefined)
    return [...new Set(rows.flatMap(({ columns }) => (columns['source_uuid'] ?? []) as string[]))];
  const found = await ask(client, sourcesStatement(asked, scope.range, among));
  return found.map((row) => row['source'] as string);
}

/** Most often there is none, or one that is converted, which the total knows; else the rows are asked. */
async function rawCurrencies(
  client: ClientBase,
  asked: Asked,
  { settings, currency }: To,
  { range, total }: Totalled,
): Promise<string[]> {
  const [first, last] = [total['least_currency'], total['base_currency']] as (string | null | undefined)[];
  if (typeof first !== 'string') return [];
  const converted = rawCurrenciesTo(settings, currency);
  if (first === last && converted.has(first)) return [];
  const rows = await ask(client, rawCurrenciesStatement(asked, range, converted));
  return rows.map((row) => row['currency'] as string);
}
