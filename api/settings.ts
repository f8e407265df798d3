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

/**
 * Rates to a currency. What has no rate is taken as it is and still shown in the requested unit (match); `unknown`
 * lists those currencies, because the amounts are wrong by an unknown factor.
 */
export function ratesTo(settings: TenantSettings, currency: string): { rates: Rates; unknown: string[] } {
  const unknown = new Set<string>();
  const rate = (from: string) => {
    if (from === currency) return 1;
    const found = settings.exchangeRates[from]?.[currency];
    if (found === undefined) unknown.add(from);
    return found ?? 1;
  };
  const bySource = new Map<string, string>();
  for (const [source, from] of settings.modelCurrencies)
    if (rate(from) !== 1) bySource.set(source, String(rate(from)));
  const byCurrency = new Map<string, string>();
  for (const from of Object.keys(settings.exchangeRates)) {
    const enabled = settings.enabledCurrencies?.has(from) ?? true;
    if (enabled && rate(from) !== 1) byCurrency.set(from, String(rate(from)));
  }
  return { rates: { bySource, byCurrency }, unknown: [...unknown] };
}
