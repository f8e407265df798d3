import type { Results } from '../results.ts';

const head = ['settings', 'time', "server's CPU", 'WAL', 'total s', 'WAL MB', 'pages read', 'checkpoints'];
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A table for each shape that settings of PostgreSQL were tried with; the first three figures are ratios to stock. */
export function settingsRows(results: Results): { title: string; head: string[]; rows: string[][] }[] {
  return Object.values(results.settings ?? {}).map(({ shape, payloadCount, variants }) => ({
    title:
      `PostgreSQL's settings, ${payloadCount} payloads of ${shape} one after the other; ` +
      `time, CPU and WAL are ratios to PostgreSQL as it comes:`,
    head: [...head],
    rows: variants.map(({ name, median }) => [
      name,
      median.totalRatio.toFixed(2),
      Number.isNaN(median.cpuRatio) ? 'unknown' : median.cpuRatio.toFixed(2),
      median.walRatio.toFixed(2),
      (median.totalMs / 1_000).toFixed(2),
      whole.format(median.walBytes / 1_000_000),
      whole.format(median.pagesRead),
      whole.format(median.checkpoints),
    ]),
  }));
}
