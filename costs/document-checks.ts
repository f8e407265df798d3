import { Decimal } from '../domain/costs/decimal.ts';
import { metrics } from '../domain/costs/metrics.ts';
import { always } from './cost-model.ts';
import type { DocumentProblem } from './document-problems.ts';
import { shown } from './document-problems.ts';
import type { CostModelDocument, PriceListDocument, RateDocument } from './document-schema.ts';

type Path = DocumentProblem['path'];

/** A value that was not checked, or did not pass: any part of it may be missing or of another kind. */
type Unchecked<T> = T extends readonly (infer Entry)[]
  ? Unchecked<Entry>[] | undefined
  : T extends object
    ? { [Key in keyof T]?: Unchecked<T[Key]> } | undefined
    : T | undefined;

const listOf = <T>(value: readonly T[] | undefined): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [];

/**
 * What is wrong between the parts of a document, each of which may be right by itself. Looks at documents that are
 * wrong elsewhere too, so that all is reported at once.
 */
export function crossProblems(document: Unchecked<CostModelDocument>): DocumentProblem[] {
  const currency = document?.currency;
  const lists = listOf(document?.price_lists);
  return [
    ...formProblems(document),
    ...rateProblems(document?.rates, ['rates'], currency),
    ...lists.flatMap((list, index) => [
      ...rateProblems(list?.rates, ['price_lists', index, 'rates'], currency),
      ...listProblems(list, ['price_lists', index], currency),
    ]),
    ...duplicates(
      lists.map((list) => list?.name),
      (index) => ['price_lists', index, 'name'],
    ),
    ...overlaps(lists),
  ];
}

function formProblems(document: Unchecked<CostModelDocument>): DocumentProblem[] {
  const { rates, price_lists } = document ?? {};
  if (rates !== undefined && price_lists !== undefined && rates.length > 0)
    return [{ path: ['rates'], message: 'expected either rates or price_lists, found both' }];
  if (price_lists?.length === 0) return [{ path: ['price_lists'], message: 'expected at least one entry' }];
  return rates === undefined && price_lists === undefined
    ? [
        {
          path: ['rates'],
          message: 'missing; expected a list, empty when nothing has a price, or price_lists',
        },
      ]
    : [];
}

function listProblems(
  list: Unchecked<PriceListDocument>,
  path: Path,
  currency: string | undefined,
): DocumentProblem[] {
  const [from, until] = validity(list);
  return [
    ...currencyProblems(list?.currency, [...path, 'currency'], currency),
    ...(from > until
      ? [{ path: [...path, 'effective_end_date'], message: `expected ${from} or later, found ${until}` }]
      : []),
  ];
}

function validity(list: Unchecked<PriceListDocument>): [from: string, until: string] {
  const dayOf = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);
  return [
    dayOf(list?.effective_start_date, always.effective_start_date),
    dayOf(list?.effective_end_date, always.effective_end_date),
  ];
}

/** Before it is checked it is a number as written; one that is wrong is reported as such. */
function priorityOf(list: Unchecked<PriceListDocument>): number {
  const written: unknown = list?.priority;
  return written instanceof Decimal ? Number(written.text) : 1;
}

/** Costs are in the model's currency, and nothing converts a price. */
function currencyProblems(found: unknown, path: Path, currency: string | undefined): DocumentProblem[] {
  return found === undefined || currency === undefined || found === currency
    ? []
    : [{ path, message: `expected ${shown(currency)}, the currency of the model, found ${shown(found)}` }];
}

function rateProblems(
  rates: Unchecked<RateDocument[]>,
  path: Path,
  currency: string | undefined,
): DocumentProblem[] {
  return [
    ...listOf(rates).flatMap((rate, index) => [
      ...priceProblems(rate, [...path, index]),
      ...unitProblems(rate, [...path, index], currency),
      ...tagValueProblems(rate, [...path, index]),
    ]),
    ...duplicates(
      listOf(rates).map((rate) => rate?.custom_name),
      (index) => [...path, index, 'custom_name'],
    ),
    ...sharedKeys(listOf(rates), path),
  ];
}

/** A rate has one form of price, and a metric may allow one form only. */
function priceProblems(rate: Unchecked<RateDocument>, path: Path): DocumentProblem[] {
  const { tiered_rates: tiers, tag_rates: tags, metric } = rate ?? {};
  if (tiers !== undefined && tags !== undefined)
    return [{ path, message: 'expected either tiered_rates or tag_rates, found both' }];
  if (tiers === undefined && tags === undefined)
    return [{ path, message: 'expected either tiered_rates or tag_rates, found neither' }];
  const name = metric?.name;
  if (name === undefined || !Object.hasOwn(metrics, name)) return [];
  if (tiers !== undefined && !metrics[name].plain)
    return [
      { path: [...path, 'tiered_rates'], message: `${name} is priced by label only; expected tag_rates` },
    ];
  return tags !== undefined && !metrics[name].tagged
    ? [{ path: [...path, 'tag_rates'], message: `${name} has one price for all; expected tiered_rates` }]
    : [];
}

function unitProblems(
  rate: Unchecked<RateDocument>,
  path: Path,
  currency: string | undefined,
): DocumentProblem[] {
  return [
    ...listOf(rate?.tiered_rates).flatMap((tier, index) => [
      ...currencyProblems(tier?.unit, [...path, 'tiered_rates', index, 'unit'], currency),
      ...currencyProblems(tier?.usage?.unit, [...path, 'tiered_rates', index, 'usage', 'unit'], currency),
    ]),
    ...listOf(rate?.tag_rates?.tag_values).flatMap((value, index) =>
      currencyProblems(value?.unit, [...path, 'tag_rates', 'tag_values', index, 'unit'], currency),
    ),
  ];
}

function tagValueProblems(rate: Unchecked<RateDocument>, path: Path): DocumentProblem[] {
  const values = listOf(rate?.tag_rates?.tag_values);
  const inside = [...path, 'tag_rates', 'tag_values'];
  const defaults = values.flatMap((value, index) => (value?.default === true ? [index] : []));
  return [
    ...duplicates(
      values.map((value) => value?.tag_value),
      (index) => [...inside, index, 'tag_value'],
    ),
    ...defaults.slice(1).map((index) => ({
      path: [...inside, index, 'default'],
      message: `a second default; [${defaults[0] ?? 0}] is the default already`,
    })),
  ];
}

/** In two rates by one label, what one lists would fall to the default of the other. */
function sharedKeys(rates: readonly Unchecked<RateDocument>[], path: Path): DocumentProblem[] {
  return duplicates(
    rates.map((rate) => {
      const key = rate?.tag_rates?.tag_key;
      return key === undefined ? undefined : `${key} of ${rate?.metric?.name ?? ''} ${rate?.cost_type ?? ''}`;
    }),
    (index) => [...path, index, 'tag_rates', 'tag_key'],
  );
}

function duplicates(values: readonly unknown[], pathOf: (index: number) => Path): DocumentProblem[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    return typeof value !== 'string' || first === index
      ? []
      : [{ path: pathOf(index), message: `${shown(value)} stands at [${first}] already` }];
  });
}

function overlaps(lists: readonly Unchecked<PriceListDocument>[]): DocumentProblem[] {
  return lists.flatMap((list, index) => {
    const [from, until] = validity(list);
    const other = lists.slice(0, index).findIndex((earlier) => {
      const [otherFrom, otherUntil] = validity(earlier);
      return priorityOf(earlier) === priorityOf(list) && from <= otherUntil && otherFrom <= until;
    });
    return other < 0
      ? []
      : [
          {
            path: ['price_lists', index, 'priority'],
            message: `${priorityOf(list)} is that of price_lists[${other}], which is valid at the same time`,
          },
        ];
  });
}
