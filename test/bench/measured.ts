import type { MeasuredRun } from '../../bench/figures.ts';
import type { Circumstances } from '../../bench/results.ts';

/** A machine that had nothing else to do. */
export const circumstances: Circumstances = {
  measuredAt: '2026-11-01T10:00:00.000Z',
  commit: '0123456789',
  seed: 1,
  generatorVersion: 1,
  runCount: 1,
  cores: 2,
  processor: 'a processor',
  memoryBytes: 24 * 2 ** 30,
  platform: 'linux x64',
  node: 'v20.20.0',
  postgres: '18.0',
  postgresSettings: {},
  loadAverage: 0.2,
};

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
    costMs: 1_500,
    rowCount: 16_000,
    summaryRowCount: 12,
    peakRssBytes: 250_000_000,
    workerCpuMs: 5_000,
    walBytes: 70_000_000,
    grownBytes: {
      staging: 30_000_000,
      labelSets: 1_000_000,
      relations: 4_000_000,
      summary: 6_000_000,
      ledger: 2_000_000,
    },
  },
};
