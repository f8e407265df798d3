/** What a ledger holds of one UTC day: `YYYY-MM-DD`, pieces, pieces loaded, pieces of failed files. Short, for history. */
export type DayCount = readonly [
  usageDay: string,
  pieceCount: number,
  loadedCount: number,
  failedCount: number,
];

/** How far one UTC day of a payload is. */
export interface DayProgress {
  /** UTC day, `YYYY-MM-DD` */
  usageDay: string;
  pieceCount: number;
  loadedCount: number;
  /** pieces of files with too many bad rows, or given up: the day keeps its former data of their kind */
  failedCount: number;
  /** the step that the day is in; blocked while a step of it waits for an operator */
  state: string;
}
