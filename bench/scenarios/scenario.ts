import type { Verdict } from '../targets.ts';

/** What is measured besides single payloads, growth, settings and a soak. */
export type ScenarioName = 'customers' | 'rebuild' | 'disk' | 'reads' | 'intake' | 'exports' | 'engines';

/** Something else than one payload that was measured: a table for people, and the figures that it is made from. */
export interface MeasuredScenario {
  /** what the table shows, in a sentence */
  title: string;
  head: string[];
  rows: string[][];
  verdicts: Verdict[];
  /** as measured, for machines */
  figures: readonly object[];
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Seconds with two decimals. */
export const inSeconds = (ms: number): string => (ms / 1_000).toFixed(2);

/** Megabytes (10^6 bytes), whole from ten on. */
export const inMegabytes = (bytes: number): string =>
  bytes < 10_000_000 ? (bytes / 1_000_000).toFixed(1) : whole.format(bytes / 1_000_000);

/** A whole number with commas. */
export const wholeNumber = (value: number): string => whole.format(value);
