import { table } from '../../cli/output.ts';
import type { MeasuredSoak, SoakSample } from './soak.ts';

const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(0);

interface Column {
  head: string;
  cell: (sample: SoakSample) => string;
}

/** The figures of a sample that a table shows; memory in MB (10^6 bytes). */
const columns: readonly Column[] = [
  { head: 'payloads', cell: ({ payloadCount }) => payloadCount.toLocaleString('en') },
  { head: 'RSS', cell: ({ rssBytes }) => megabytes(rssBytes) },
  { head: 'peak RSS', cell: ({ peakRssBytes }) => megabytes(peakRssBytes) },
  { head: 'heap used', cell: ({ heapUsedBytes }) => megabytes(heapUsedBytes) },
  { head: 'heap', cell: ({ heapBytes }) => megabytes(heapBytes) },
  { head: 'workflow heap used', cell: ({ workflowHeapUsedBytes }) => megabytes(workflowHeapUsedBytes) },
  { head: 'workflow heap', cell: ({ workflowHeapBytes }) => megabytes(workflowHeapBytes) },
  { head: 'external', cell: ({ externalBytes }) => megabytes(externalBytes) },
  { head: 'handles', cell: ({ resourceCount }) => String(resourceCount) },
  { head: 'most cached runs', cell: ({ maxCachedRunCount }) => String(maxCachedRunCount) },
  { head: 'series', cell: ({ metricSeriesCount }) => metricSeriesCount.toLocaleString('en') },
];

/** A sample in a line, for the progress of a soak. */
export function sampleText(sample: SoakSample): string {
  return columns.map(({ head, cell }) => `${head} ${cell(sample)}`).join(', ');
}

/** A soak as head and rows of a table. */
export function soakRows({ samples }: Pick<MeasuredSoak, 'samples'>): { head: string[]; rows: string[][] } {
  return {
    head: columns.map(({ head }) => head),
    rows: samples.map((sample) => columns.map(({ cell }) => cell(sample))),
  };
}

/** What went through, in a sentence. */
export function soakTitle({ payloads, rowsPerPayload, sources, atOnce, collect }: MeasuredSoak): string {
  return (
    `${payloads.toLocaleString('en')} payloads of ${rowsPerPayload.toLocaleString('en')} rows from ${sources} clusters, ` +
    `${atOnce} at once${collect ? ', garbage collected before each look' : ''}; MB:`
  );
}

/** A soak for a terminal. */
export function soakText(soak: MeasuredSoak): string {
  const { head, rows } = soakRows(soak);
  return `${soakTitle(soak)}\n${table(head, rows, 'nothing was looked at')}`;
}
