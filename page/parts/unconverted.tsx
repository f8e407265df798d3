import type { Report } from '../answers.ts';
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
  const { api, status, view, calls } = usePage();
  const shown = useCall<Report>(calls.projects).answer?.meta.currency;
  if (shown === undefined) return [];
  const models = unconverted(status, view, shown);
  const ofModels = [...models].map(([from, clusters]) => ({
    from,
    shown,
    what: `amounts of ${clusters.join(', ')}`,
  }));
  // The answer names all currencies; what no cost model is in, is on the bill of a cloud.
  const others = api.notConvertedOf(calls.projects).filter((from) => !models.has(from));
  return [...ofModels, ...others.map((from) => ({ from, shown, what: 'costs of the cloud' }))];
}

/** Beside an amount: that it is not in the currency that it is shown in. */
export function NotConverted() {
  const currencies = [...new Set(useUnconverted().map(({ from }) => from))];
  if (currencies.length === 0) return null;
  return <span class="tag not-converted">not converted from {currencies.join(', ')}</span>;
}
