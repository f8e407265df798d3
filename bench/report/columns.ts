import type { MeasuredShape } from '../measure.ts';
import type { ShapeName } from '../payload/shapes.ts';

/** A figure as it stands in a table. */
export interface Column {
  head: string;
  cell: (name: ShapeName, measured: MeasuredShape) => string;
}

const megabyte = 1_000_000;
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const seconds = (ms: number) => (ms / 1_000).toFixed(2);
/** Figures that older results do not have. */
const ifKnown = (value: number | undefined, shown: (known: number) => string) =>
  value === undefined ? '–' : shown(value);
const megabytes = (bytes: number) =>
  bytes < 10 * megabyte ? (bytes / megabyte).toFixed(1) : whole.format(bytes / megabyte);

/** Times of the workflow and of its floor, seconds. */
export const timeColumns: readonly Column[] = [
  { head: 'shape', cell: (name) => name },
  { head: 'rows', cell: (_, { median }) => whole.format(median.rowCount) },
  { head: 'total s', cell: (_, { median }) => seconds(median.totalMs) },
  { head: 'download s', cell: (_, { median }) => seconds(median.downloadMs) },
  { head: 'split s', cell: (_, { median }) => seconds(median.splitMs) },
  { head: 'stage s', cell: (_, { median }) => seconds(median.stageMs) },
  { head: 'load s', cell: (_, { median }) => seconds(median.loadMs) },
  { head: 'aggregation s', cell: (_, { median }) => seconds(median.aggregationMs) },
  { head: 'rows/s', cell: (_, { median }) => whole.format(median.rowsPerSecond) },
  { head: 'COPY s', cell: (_, { median }) => seconds(median.floorCopyMs) },
  { head: 'GROUP BY s', cell: (_, { median }) => seconds(median.floorGroupByMs) },
  { head: 'costs and reports s', cell: (_, { median }) => ifKnown(median.costMs, seconds) },
];

/** Ratios to the floor and what is used up. */
export const costColumns: readonly Column[] = [
  { head: 'shape', cell: (name) => name },
  { head: 'load ratio', cell: (_, { median }) => median.loadRatio.toFixed(2) },
  { head: 'stage ratio', cell: (_, { median }) => median.stageRatio.toFixed(2) },
  { head: 'aggregation ratio', cell: (_, { median }) => median.aggregationRatio.toFixed(2) },
  { head: 'total ratio', cell: (_, { median }) => median.totalRatio.toFixed(2) },
  { head: 'staging MB/day', cell: (_, { median }) => megabytes(median.stagingBytesPerDay) },
  { head: 'relations MB/day', cell: (_, { median }) => ifKnown(median.relationBytesPerDay, megabytes) },
  { head: 'summary MB/day', cell: (_, { median }) => megabytes(median.summaryBytesPerDay) },
  { head: 'peak RSS MB', cell: (_, { median }) => megabytes(median.peakRssBytes) },
  { head: 'WAL MB', cell: (_, { median }) => megabytes(median.walBytes) },
  { head: "floor's WAL MB", cell: (_, { median }) => megabytes(median.floorWalBytes) },
  { head: 'summary rows', cell: (_, { median }) => whole.format(median.summaryRowCount) },
];
