import type { MeasuredRun } from '../../bench/figures.ts';

/** A run with round numbers: 3 s of loading over a COPY of 2 s, 4 s of aggregation over a GROUP BY of 1 s. */
export const roundRun: MeasuredRun = {
  floor: {
    copyMs: 2_000,
    senderCpuMs: 100,
    backendCpuMs: 1_800,
    groupByMs: 1_000,
    groupCount: 10,
    walBytes: 50_000_000,
    tableBytes: 60_000_000,
  },
  pipeline: {
    totalMs: 8_000,
    phaseMs: {
      downloading: 500,
      splitting: 1_000,
      loading: 2_000,
      aggregating: 2_500,
      summarising: 1_000,
      validating: 500,
    },
    rowCount: 16_000,
    summaryRowCount: 12,
    peakRssBytes: 250_000_000,
    workerCpuMs: 5_000,
    walBytes: 70_000_000,
    grownBytes: { staging: 30_000_000, labelSets: 1_000_000, summary: 6_000_000, ledger: 2_000_000 },
  },
};
