import type { PipelineState } from '../domain/run/run.ts';
import type { FloorRun } from './floor/floor.ts';
import type { PipelineRun } from './pipeline-run.ts';

/** The floor and the workflow, measured one right after the other on the same server. */
export interface MeasuredRun {
  floor: FloorRun;
  pipeline: PipelineRun;
}

/** What is published of a shape: of one run, or the median of each figure over all runs. */
export interface Figures {
  rowCount: number;
  summaryRowCount: number;
  /** milliseconds */
  totalMs: number;
  downloadMs: number;
  splitMs: number;
  stageMs: number;
  /** splitting, archiving and staging */
  loadMs: number;
  aggregateMs: number;
  summariseMs: number;
  validateMs: number;
  /** the cost step with the report tables; of results before there was one absent */
  costMs?: number;
  /** aggregating, summarising and validating */
  aggregationMs: number;
  floorCopyMs: number;
  floorGroupByMs: number;
  rowsPerSecond: number;
  /** loading : COPY, staging alone : COPY, aggregation : GROUP BY, everything : COPY + GROUP BY */
  loadRatio: number;
  stageRatio: number;
  aggregationRatio: number;
  totalRatio: number;
  stagingBytesPerDay: number;
  /** of results before there were daily relations absent */
  relationBytesPerDay?: number;
  summaryBytesPerDay: number;
  /** label sets and ledgers */
  otherBytesPerDay: number;
  peakRssBytes: number;
  workerCpuMs: number;
  walBytes: number;
  floorWalBytes: number;
  floorTableBytes: number;
}

/**
 * The figures of one run; a ratio is of that run's own floor, so that a slow moment of the machine counts on both
 * sides.
 */
export function figuresOf({ floor, pipeline }: MeasuredRun, dayCount: number): Figures {
  const phase = (state: PipelineState) => pipeline.phaseMs[state] ?? 0;
  const loadMs = phase('splitting') + phase('loading');
  const aggregationMs = phase('aggregating') + phase('summarising') + phase('validating');
  const { grownBytes } = pipeline;
  return {
    rowCount: pipeline.rowCount,
    summaryRowCount: pipeline.summaryRowCount,
    totalMs: pipeline.totalMs,
    downloadMs: phase('downloading'),
    splitMs: phase('splitting'),
    stageMs: phase('loading'),
    loadMs,
    aggregateMs: phase('aggregating'),
    summariseMs: phase('summarising'),
    validateMs: phase('validating'),
    costMs: pipeline.costMs,
    aggregationMs,
    floorCopyMs: floor.copyMs,
    floorGroupByMs: floor.groupByMs,
    rowsPerSecond: pipeline.rowCount / (pipeline.totalMs / 1_000),
    loadRatio: loadMs / floor.copyMs,
    stageRatio: phase('loading') / floor.copyMs,
    aggregationRatio: aggregationMs / floor.groupByMs,
    totalRatio: pipeline.totalMs / (floor.copyMs + floor.groupByMs),
    stagingBytesPerDay: grownBytes.staging / dayCount,
    relationBytesPerDay: grownBytes.relations / dayCount,
    summaryBytesPerDay: grownBytes.summary / dayCount,
    otherBytesPerDay: (grownBytes.labelSets + grownBytes.ledger) / dayCount,
    peakRssBytes: pipeline.peakRssBytes ?? NaN,
    workerCpuMs: pipeline.workerCpuMs ?? NaN,
    walBytes: pipeline.walBytes,
    floorWalBytes: floor.walBytes,
    floorTableBytes: floor.tableBytes,
  };
}

/** The same payload, on empty tables and on full ones. */
export interface GrowthRun {
  empty: PipelineRun;
  full: PipelineRun;
}

/** What it took; medians over all runs, of the ratio too. */
export interface GrowthFigures {
  emptyMs: number;
  fullMs: number;
  /** full : empty */
  ratio: number;
}

/** Times of a payload on empty tables and on full ones. */
export function growthFigures(runs: readonly GrowthRun[]): GrowthFigures {
  return {
    emptyMs: median(runs.map((run) => run.empty.totalMs)),
    fullMs: median(runs.map((run) => run.full.totalMs)),
    ratio: median(runs.map((run) => run.full.totalMs / run.empty.totalMs)),
  };
}

/** The median of each figure. */
export function medianFigures(runs: readonly Figures[]): Figures {
  const [first] = runs;
  if (first === undefined) throw new Error('no run to take a median of');
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, median(runs.map((run) => run[name as keyof Figures] ?? NaN))]),
  ) as unknown as Figures;
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}
