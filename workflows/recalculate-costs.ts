import type { RecalculateCostsInput, RecalculateCostsResult } from '../domain/run/resummarize.ts';
import { runMonth } from './run-month.ts';
import { summariseMonth } from './summarise-month.ts';

/**
 * Write costs and report tables of a source and month anew where its cost model differs from what they are based on:
 * the chain from the costs on, without the aggregation. Started by hand, or after a cost model, price list, assignment
 * or currency changed: then it first waits until they have been unchanged for a while.
 */
export async function recalculateCosts(input: RecalculateCostsInput): Promise<RecalculateCostsResult> {
  const { schema, sourceUuid, month } = input;
  const { pricedDayCount, costRowCount } = await runMonth(input, false, ({ activities, loadConcurrency }) =>
    summariseMonth(activities, { schema, sourceUuid, month, fromStep: 'costs' }, loadConcurrency),
  );
  return { month, daysPriced: pricedDayCount, costRowCount };
}
