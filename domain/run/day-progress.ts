/**
 * What the ledger says about one UTC day: `YYYY-MM-DD`, pieces, loaded pieces, pieces of failed files. Short, for
 * history.
 */
export type DayCount = readonly [
  usageDay: string,
  pieceCount: number,
  loadedCount: number,
  failedCount: number,
];

/** Progress of one UTC day of a payload. */
export interface DayProgress {
  /** UTC day, `YYYY-MM-DD` */
  usageDay: string;
  pieceCount: number;
  loadedCount: number;
  /** pieces of files with too many invalid rows, or abandoned: the day keeps its previous data of their kind */
  failedCount: number;
  /** the step that the day is in; blocked while one of its steps waits for an operator */
  state: string;
}
