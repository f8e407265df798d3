/** What the metrics of a worker say about what it keeps. */
export interface WorkerMetrics {
  /** runs that the worker keeps between two of their tasks */
  cachedRunCount: number;
  /** lines of its metrics */
  metricSeriesCount: number;
}

/** Ask a worker at the address of its metrics, `host:port`. */
export async function readWorkerMetrics(address: string): Promise<WorkerMetrics> {
  const response = await fetch(`http://${address}/metrics`);
  return parseWorkerMetrics(await response.text());
}

/** @param text Prometheus's text format */
function parseWorkerMetrics(text: string): WorkerMetrics {
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const cached = series.filter((line) => line.startsWith('temporal_sticky_cache_size{'));
  return {
    cachedRunCount: cached.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0),
    metricSeriesCount: series.length,
  };
}
