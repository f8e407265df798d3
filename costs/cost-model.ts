import type { Decimal } from '../domain/costs/decimal.ts';
import type { MetricName, costTypes } from '../domain/costs/metrics.ts';
import type { CostModelDocument, PriceListDocument, RateDocument } from './document-schema.ts';

/** A cost model with nothing left out, as its rows have it. DOMAIN §8.1 */
export interface CostModel {
  name: string;
  description: string;
  currency: string;
  distribution_info: DistributionInfo;
  /** empty: none */
  markup: { value: Decimal; unit: 'percent' } | Record<string, never>;
  /** at least one, in the order of the document */
  price_lists: PriceList[];
}

/** Which pools of cost are given to the projects, and by what. */
export interface DistributionInfo {
  distribution_type: 'cpu' | 'memory';
  platform_cost: boolean;
  worker_cost: boolean;
  network_unattributed: boolean;
  storage_unattributed: boolean;
  gpu_unallocated: boolean;
}

/** Rates with the days they are valid for, both inclusive. */
export interface PriceList {
  name: string;
  description: string;
  currency: string;
  effective_start_date: string;
  effective_end_date: string;
  enabled: boolean;
  /** the lowest number applies */
  priority: number;
  rates: Rate[];
}

/** A rate, with one of the two forms of prices. */
export interface Rate {
  metric: { name: MetricName };
  cost_type: (typeof costTypes)[number];
  custom_name: string;
  description?: string;
  tiered_rates?: { value: Decimal; unit: string; usage_start: Decimal | null; usage_end: Decimal | null }[];
  tag_rates?: { tag_key: string; tag_values: TagValue[] };
}

export interface TagValue {
  tag_value: string;
  value: Decimal;
  unit: string;
  default: boolean;
  description: string;
}

/** A list without dates is valid as long as anybody will ask. */
export const always = { effective_start_date: '2000-01-01', effective_end_date: '2099-12-31' } as const;

/** What Koku takes for what a document does not say. */
const defaultDistribution: DistributionInfo = {
  distribution_type: 'cpu',
  platform_cost: true,
  worker_cost: true,
  network_unattributed: false,
  storage_unattributed: false,
  gpu_unallocated: false,
};

/** The columns hold 50 characters. */
const maxCustomNameLength = 50;

/** The list that a document with plain `rates` stands for, named as Koku names it. */
function plainListOf(model: string): Pick<PriceList, 'name' | 'description'> {
  return { name: `${model} prices`, description: `Auto-created from cost model '${model}'` };
}

/** Does the list say no more than plain `rates` do? */
export function isPlainList(model: string, list: Omit<PriceList, 'rates' | 'currency'>): boolean {
  const plain = { ...plainListOf(model), ...always, enabled: true };
  return (Object.keys(plain) as (keyof typeof plain)[]).every((field) => list[field] === plain[field]);
}

/** The list that applies where all are valid; the earliest of those with one priority. */
export function firstList<List extends PriceList>(lists: readonly List[]): List | undefined {
  return [...lists].sort(
    (a, b) => a.priority - b.priority || (a.effective_start_date < b.effective_start_date ? -1 : 1),
  )[0];
}

/** The model of a document that was checked. */
export function modelOf(document: CostModelDocument, defaultCurrency: string): CostModel {
  const { name, description = '', distribution_info, markup, rates, price_lists } = document;
  const { currency = defaultCurrency } = document;
  const lists: readonly PriceListDocument[] = price_lists ?? [{ ...plainListOf(name), rates: rates ?? [] }];
  return {
    name,
    description,
    currency,
    distribution_info: { ...defaultDistribution, ...withoutUndefined(distribution_info ?? {}) },
    markup: markup?.value === undefined ? {} : { value: markup.value, unit: 'percent' },
    price_lists: lists.map((list) => priceListOf(list, currency)),
  };
}

function priceListOf(list: PriceListDocument, currency: string): PriceList {
  return {
    name: list.name,
    description: list.description ?? '',
    currency,
    effective_start_date: list.effective_start_date ?? always.effective_start_date,
    effective_end_date: list.effective_end_date ?? always.effective_end_date,
    enabled: list.enabled ?? true,
    priority: list.priority ?? 1,
    rates: named(list.rates).map((rate) => rateOf(rate, currency)),
  };
}

function rateOf(rate: RateDocument & { custom_name: string }, currency: string): Rate {
  const { metric, cost_type, custom_name, description, tiered_rates, tag_rates } = rate;
  return {
    metric: { name: metric.name },
    cost_type,
    custom_name,
    ...(description === undefined || description === '' ? {} : { description }),
    ...(tiered_rates && {
      tiered_rates: tiered_rates.map(({ value, usage_start, usage_end, usage }) => ({
        unit: currency,
        value,
        usage_end: usage_end ?? usage?.usage_end ?? null,
        usage_start: usage_start ?? usage?.usage_start ?? null,
      })),
    }),
    ...(tag_rates && {
      tag_rates: {
        tag_key: tag_rates.tag_key,
        tag_values: tag_rates.tag_values.map((entry) => ({
          tag_value: entry.tag_value,
          value: entry.value,
          unit: currency,
          default: entry.default ?? false,
          description: entry.description ?? '',
        })),
      },
    }),
  };
}

/** Rates with their names; one without gets one of metric, cost type and label key, the same in every apply. */
function named(rates: readonly RateDocument[]): (RateDocument & { custom_name: string })[] {
  const taken = new Set(rates.map(({ custom_name }) => custom_name));
  return rates.map((rate) => {
    const words = [rate.metric.name, rate.cost_type, ...(rate.tag_rates ? [rate.tag_rates.tag_key] : [])];
    const custom_name = rate.custom_name ?? freeName(words.join('-'), taken);
    taken.add(custom_name);
    return { ...rate, custom_name };
  });
}

function freeName(wanted: string, taken: ReadonlySet<string | undefined>): string {
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? '' : `-${number}`;
    const candidate = wanted.slice(0, maxCustomNameLength - suffix.length) + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}

function withoutUndefined<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
