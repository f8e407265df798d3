import { rowsOf } from '../answers.ts';
import type { Report } from '../answers.ts';
import { cellsOf } from '../csv.ts';
import { unconverted } from '../model.ts';
import { useCall, useCsv, usePage } from './context.ts';
import type { Call } from './context.ts';

/** Amounts that are shown in another currency than they are in. */
interface Unconverted {
  from: string;
  shown: string;
  /** whose amounts: clusters, or the bill of a cloud */
  what: string;
}

/** Amounts for which no exchange rate is known: those of cost models, and those of clouds. */
export function useUnconverted(): Unconverted[] {
  const { status, view, calls } = usePage();
  const shown = useCall<Report>(calls.projects).answer?.meta.currency;
  const bill = useBill();
  if (shown === undefined) return [];
  const models = [...unconverted(status, view, shown)].map(([from, clusters]) => ({
    from,
    shown,
    what: `amounts of ${clusters.join(', ')}`,
  }));
  const convertible = status?.meta.currencies?.convertible ?? {};
  const raw = bill.answer === undefined ? [] : unconvertedOf(bill.answer, shown, convertible);
  return [...models, ...raw.map((from) => ({ from, shown, what: 'costs of the cloud' }))];
}

/** What the bill of a cloud is in; only the CSV of a report has it. */
export function useBill(): Call<string> {
  const { calls } = usePage();
  const costs = useCall<Report>(calls.projects).answer;
  const days = useCall<Report>(calls.costByDay);
  const cost = costs?.meta.total?.cost;
  const hasBill = (cost?.raw.value ?? 0) !== 0 || (cost?.markup.value ?? 0) !== 0;
  const isReady = hasBill && (days.answer ?? days.failure) !== undefined;
  const count = (costs?.data.flatMap(rowsOf).length ?? 0) * (days.answer?.data.length ?? Infinity);
  return useCsv(isReady ? calls.rawCurrency(count > maxDailyRows ? 'monthly' : 'daily') : undefined);
}

/** Rows up to which days are told apart: projects by days. */
const maxDailyRows = 5_000;

/**
 * Currencies of a bill that are not converted, in their order. A row that adds up several has the last of them, and the
 * largest of their rates; so a currency counts as converted if its rate is known, or if one of its rows is of a rate
 * below 1, or none is of 1.
 */
function unconvertedOf(
  csv: string,
  shown: string,
  convertible: Readonly<Record<string, readonly string[]>>,
): string[] {
  const [header = [], ...rows] = cellsOf(csv);
  const cell = (row: readonly string[], name: string) => row[header.indexOf(name)] ?? '';
  const least = new Map<string, number>();
  for (const row of rows) {
    const [from, rate] = [cell(row, 'base_currency'), Number(cell(row, 'exchange_rate'))];
    const hasAmount = ['infra_raw', 'infra_markup'].some((name) => Number(cell(row, name)) !== 0);
    if (from !== '' && from !== shown && hasAmount) least.set(from, Math.min(least.get(from) ?? rate, rate));
  }
  const isConverted = ([from, rate]: [string, number]) => convertible[from]?.includes(shown) ?? rate !== 1;
  return [...least]
    .filter((each) => !isConverted(each))
    .map(([from]) => from)
    .sort();
}

/** Beside an amount: that it is not in the currency that it is shown in. */
export function NotConverted() {
  const currencies = [...new Set(useUnconverted().map(({ from }) => from))];
  if (currencies.length === 0) return null;
  return <span class="tag not-converted">not converted from {currencies.join(', ')}</span>;
}
