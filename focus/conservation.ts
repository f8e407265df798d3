import type { ClientBase } from 'pg';
import { firstDay } from '../domain/time/usage-day.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { costScale, scaled, unscaled } from './decimals.ts';
import type { Layer, Line } from './line.ts';
import type { Artifact } from './metadata.ts';
import type { MonthSource } from './month.ts';

const totalsSql = loadSql('focus/totals.sql');

/** Rows that distribution gives and takes may add up to this part of what it moves: rounding. */
const maxDistributionShare = 1_000_000_000n;

/** Sums of the lines that are written, exactly: what a file holds against what the tables hold. */
export class Totals {
  readonly #sums = new Map<string, bigint>();
  /** lines of each layer */
  readonly counts = new Map<Line['layer'], number>();

  add({ clusterId, sourceUuid }: MonthSource, line: Line): void {
    const key = JSON.stringify([clusterId, sourceUuid, line.currency, line.layer]);
    this.#sums.set(key, (this.#sums.get(key) ?? 0n) + scaled(line.cost, costScale));
    this.counts.set(line.layer, (this.counts.get(line.layer) ?? 0) + 1);
  }

  /** By cluster, currency and layer. */
  list(): Artifact['Totals'] {
    return [...this.#sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, sum]) => {
        const [ClusterId = '', SourceId = '', Currency = '', Layer = ''] = JSON.parse(key) as string[];
        return { ClusterId, SourceId, Currency, Layer, Cost: unscaled(sum, costScale) };
      });
  }

  /** By currency, of everything. */
  byCurrency(): { currency: string; cost: string }[] {
    const sums = new Map<string, bigint>();
    for (const { Currency, Cost } of this.list())
      sums.set(Currency, (sums.get(Currency) ?? 0n) + scaled(Cost, costScale));
    return [...sums].map(([currency, sum]) => ({ currency, cost: unscaled(sum, costScale) }));
  }

  /** Sum of a cluster's lines of these layers, times 10 to the 15th. */
  of({ sourceUuid }: MonthSource, names: readonly string[], currency?: string): bigint {
    return this.list()
      .filter((total) => total.SourceId === sourceUuid && names.includes(total.Layer))
      .filter((total) => currency === undefined || total.Currency === currency)
      .reduce((sum, { Cost }) => sum + scaled(Cost, costScale), 0n);
  }
}

interface TotalRow {
  layer: Layer;
  raw_currency: string | null;
  usage_day: string | null;
  rate_type: string | null;
  cost: string;
  absolute_cost: string;
}

/**
 * What of a source and month is not conserved, as sentences: the lines of each layer must add up to the tables, to the
 * last digit, and distribution to 0 for each day and type. FOCUS.md §3.6
 */
export async function breaches(
  client: ClientBase,
  {
    source,
    month,
    exported,
    totals,
  }: {
    source: MonthSource;
    month: BillingMonth;
    exported: readonly Layer[];
    totals: Totals;
  },
): Promise<string[]> {
  const { rows } = await client.query<TotalRow>(totalsSql, [source.sourceUuid, firstDay(month)]);
  const found: string[] = [];
  for (const layer of exported) {
    const own = rows.filter((row) => row.layer === layer);
    const expected = new Map<string | undefined, bigint>();
    for (const row of own) {
      const currency =
        layer === 'cloud' || layer === 'markup' ? (row.raw_currency ?? source.currency) : undefined;
      expected.set(currency, (expected.get(currency) ?? 0n) + scaled(row.cost, costScale));
    }
    if (expected.size === 0) expected.set(undefined, 0n);
    for (const [currency, sum] of expected) {
      const written = totals.of(source, layer === 'rate' ? ['rate', 'residue'] : [layer], currency);
      if (written !== sum)
        found.push(
          `Cluster ${source.clusterId}, ${month}: expected the lines of layer ${layer}${currency === undefined ? '' : ` in ${currency}`} ` +
            `to add up to ${unscaled(sum, costScale)}, as the daily summary does, found ${unscaled(written, costScale)}`,
        );
    }
    if (layer === 'distribution') found.push(...own.filter(isUneven).map((row) => unevenness(source, row)));
  }
  return found;
}

function isUneven({ cost, absolute_cost: moved }: TotalRow): boolean {
  const sum = scaled(cost, costScale);
  // A unit of the last place for what rounding does to amounts of next to nothing.
  return (sum < 0n ? -sum : sum) > scaled(moved, costScale) / maxDistributionShare + 1_000n;
}

function unevenness({ clusterId }: MonthSource, { usage_day: day, rate_type: type, cost }: TotalRow): string {
  return `Cluster ${clusterId}, ${day ?? ''}: expected ${type ?? ''} to add up to 0, found ${cost}`;
}
