/** One more day, on empty tables and on full ones. */
export interface GrowthFigures {
  emptyMs: number;
  fullMs: number;
  /** full : empty */
  ratio: number;
}
