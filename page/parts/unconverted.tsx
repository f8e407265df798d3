import { useEffect, useState } from 'preact/hooks';
import type { Report } from '../answers.ts';
import { cellsOf } from '../csv.ts';
import { unconverted } from '../model.ts';
import { useCall, usePage } from './context.ts';

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
  const costs = useCall<Report>(calls.projects).answer;
  const shown = costs?.meta.currency;
  const hasRaw = (costs?.meta.total?.cost?.raw.value ?? 0) !== 0;
  const raw = useRawCurrency(hasRaw ? calls.rawCurrency : undefined);
  if (shown === undefined) return [];
  const models = [...unconverted(status, view, shown)].map(([from, clusters]) => ({
    from,
    shown,
    what: `amounts of ${clusters.join(', ')}`,
  }));
  if (raw === undefined || raw.isConverted || raw.currency === shown) return models;
  return [...models, { from: raw.currency, shown, what: 'costs of the cloud' }];
}

/** What the bill of a cloud is in; only the CSV of a report has it. */
function useRawCurrency(call: string | undefined): { currency: string; isConverted: boolean } | undefined {
  const { api } = usePage();
  const [text, setText] = useState<string>();
  useEffect(() => {
    let isCurrent = true;
    setText(undefined);
    if (call !== undefined)
      api.csv(call).then(
        (found) => isCurrent && setText(found),
        // The amounts are shown as they are; a report that cannot be read says so where it is shown.
        () => undefined,
      );
    return () => {
      isCurrent = false;
    };
  }, [api, call]);
  if (text === undefined) return undefined;
  const [header = [], ...rows] = cellsOf(text);
  const cell = (row: readonly string[], name: string) => row[header.indexOf(name)] ?? '';
  const row = rows.find((each) => cell(each, 'base_currency') !== '');
  if (row === undefined) return undefined;
  return { currency: cell(row, 'base_currency'), isConverted: Number(cell(row, 'exchange_rate')) !== 1 };
}

/** Beside an amount: that it is not in the currency that it is shown in. */
export function NotConverted() {
  const currencies = [...new Set(useUnconverted().map(({ from }) => from))];
  if (currencies.length === 0) return null;
  return <span class="tag not-converted">not converted from {currencies.join(', ')}</span>;
}
