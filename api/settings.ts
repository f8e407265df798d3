import type { ClientBase } from 'pg';
import { loadSql } from '../platform/database/sql-files.ts';
import { invalidParameter } from './errors.ts';
import type { Rates } from './sql/scope.ts';

const optionalTables = loadSql('api/optional_tables.sql');
const settingsSql = loadSql('api/settings.sql');

/** Exchange rates: from a currency, to a currency. */
export type ExchangeRates = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The settings of a tenant that decide how a request is read and answered. */
export interface TenantSettings {
  /** label keys that may be named */
  tagKeys: ReadonlySet<string>;
  categories: readonly string[];
  /** undefined: not set */
  retentionMonths: number | undefined;
  /** of the cost models, by source */
  modelCurrencies: ReadonlyMap<string, string>;
  /** undefined where only the currencies of the cost models are known */
  enabledCurrencies: ReadonlySet<string> | undefined;
  /** what is shown unless a request says otherwise */
  currency: string;
  exchangeRates: ExchangeRates;
}

/** What only Koku's tables say about currencies. */
export type KokuCurrencies = Pick<TenantSettings, 'enabledCurrencies' | 'currency' | 'exchangeRates'>;

/** Read it; what Koku has no table for is as if nothing was set. The search path is the tenant's. */
export async function readCurrencies(client: ClientBase): Promise<KokuCurrencies> {
  const { rows } = await client.query<{
    enabled_currency: boolean;
    user_settings: boolean;
    exchange_rates: boolean;
  }>(optionalTables);
  const there = rows[0];
  return {
    enabledCurrencies: there?.enabled_currency === true ? await enabledCurrencies(client) : undefined,
    currency: (there?.user_settings === true ? await chosenCurrency(client) : undefined) ?? 'USD',
    exchangeRates: there?.exchange_rates === true ? await dictionary(client) : {},
  };
}

/** Read them; the search path is the tenant's. */
export async function readSettings(client: ClientBase): Promise<TenantSettings> {
  const { rows } = await client.query<{
    tag_keys: string[];
    categories: string[];
    retention_months: number | null;
    model_currencies: Record<string, string>;
  }>(settingsSql);
  const own = rows[0];
  return {
    tagKeys: new Set(own?.tag_keys),
    categories: own?.categories ?? [],
    retentionMonths: own?.retention_months ?? undefined,
    modelCurrencies: new Map(Object.entries(own?.model_currencies ?? {})),
    ...(await readCurrencies(client)),
  };
}

async function enabledCurrencies(client: ClientBase): Promise<Set<string>> {
  const { rows } = await client.query<{ currency_code: string }>(
    'select currency_code from enabled_currency order by currency_code',
  );
  return new Set(rows.map((row) => row.currency_code));
}

async function chosenCurrency(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ currency: string | null }>(
    `select settings ->> 'currency' as currency from user_settings limit 1`,
  );
  return rows[0]?.currency ?? undefined;
}

async function dictionary(client: ClientBase): Promise<ExchangeRates> {
  const { rows } = await client.query<{ rates: ExchangeRates | null }>(
    'select currency_exchange_dictionary as rates from public.api_exchangeratedictionary limit 1',
  );
  return rows[0]?.rates ?? {};
}

/** Currencies that a request may name, in their order. */
export function currencyChoices(settings: TenantSettings): string[] {
  const known =
    settings.enabledCurrencies ?? new Set(['USD', settings.currency, ...settings.modelCurrencies.values()]);
  return [...known].sort();
}

/** The currency of an answer. @throws ApiError 400 if it is asked for and not enabled */
export function currencyOf(settings: TenantSettings, asked: string | undefined): string {
  if (asked === undefined) return settings.currency;
  if (!currencyChoices(settings).includes(asked))
    throw invalidParameter('currency', undefined, `"${asked}" is not a valid choice.`);
  return asked;
}

/** Is the currency of a cost model the other one, or is its rate to it known? */
export function hasRate(settings: TenantSettings, from: string, to: string): boolean {
  return from === to || settings.exchangeRates[from]?.[to] !== undefined;
}

/** Currencies of raw costs that are converted to another one, itself included: only rates of enabled ones count. */
export function rawCurrenciesTo(settings: TenantSettings, currency: string): Set<string> {
  const known = Object.keys(settings.exchangeRates).filter(
    (from) => (settings.enabledCurrencies?.has(from) ?? true) && hasRate(settings, from, currency),
  );
  return new Set([currency, ...known]);
}

/** Rates to a currency. What has no rate is taken as it is and still shown in the requested unit (match). */
export function ratesTo(settings: TenantSettings, currency: string): Rates {
  const rate = (from: string) => (from === currency ? 1 : (settings.exchangeRates[from]?.[currency] ?? 1));
  const changing = (rates: Iterable<[name: string, from: string]>) =>
    new Map(
      [...rates].filter(([, from]) => rate(from) !== 1).map(([name, from]) => [name, String(rate(from))]),
    );
  return {
    bySource: changing(settings.modelCurrencies),
    byCurrency: changing([...rawCurrenciesTo(settings, currency)].map((from) => [from, from])),
  };
}
