import type { DayCount, DayProgress } from '../domain/run/day-progress.ts';
import type { OpenFailure } from '../domain/run/decision.ts';
import type { PipelineState } from '../domain/run/run.ts';

/** Days × state of one run: what the details in the Temporal UI and the query `progress` show. */
export class DayTable {
  readonly #days = new Map<string, DayProgress>();
  readonly #dayOfPiece = new Map<number, string>();

  /** Take over the state of the ledger, and remember which day each piece to be loaded belongs to. */
  know(days: readonly DayCount[], pieceIds: readonly number[], dayIndexes: readonly number[]): void {
    for (const [usageDay, pieceCount, loadedCount, failedCount] of days) {
      const state = loadedCount + failedCount < pieceCount ? 'loading' : 'loaded';
      this.#days.set(usageDay, { usageDay, pieceCount, loadedCount, failedCount, state });
    }
    pieceIds.forEach((pieceId, position) => {
      const day = days[dayIndexes[position] ?? -1]?.[0];
      if (day !== undefined) this.#dayOfPiece.set(pieceId, day);
    });
  }

  loaded(pieceId: number): void {
    const day = this.#days.get(this.#dayOfPiece.get(pieceId) ?? '');
    if (day === undefined) return;
    day.loadedCount += 1;
    if (day.loadedCount + day.failedCount >= day.pieceCount) day.state = 'loaded';
  }

  /** Move all days, or those of a month, to another step. */
  enter(state: PipelineState, month = ''): void {
    for (const day of this.#days.values()) if (day.usageDay.startsWith(month)) day.state = state;
  }

  /** Every day; those with an open failure as blocked. */
  list(openFailures: readonly OpenFailure[]): DayProgress[] {
    const isBlocked = ({ usageDay }: DayProgress) =>
      openFailures.some(({ pieceId, month }) =>
        pieceId === undefined
          ? month !== undefined && usageDay.startsWith(month)
          : this.#dayOfPiece.get(pieceId) === usageDay,
      );
    return [...this.#days.values()].map((day) => (isBlocked(day) ? { ...day, state: 'blocked' } : day));
  }
}

/** Markdown table of days × state; no lines if there are no days. */
export function dayTableLines(days: readonly DayProgress[]): string[] {
  if (days.length === 0) return [];
  return [
    '',
    '| day | pieces loaded | state |',
    '|---|---|---|',
    ...days.map(({ usageDay, pieceCount, loadedCount, failedCount, state }) => {
      const failed = failedCount === 0 ? '' : `, ${failedCount} failed`;
      return `| ${usageDay} | ${loadedCount} of ${pieceCount}${failed} | ${state} |`;
    }),
  ];
}
