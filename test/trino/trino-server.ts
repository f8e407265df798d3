import { startTrinoServer } from '../support/trino-server.ts';
import type { TrinoServer } from '../support/trino-server.ts';

/** How a server differs from the one that all tests share. */
export interface TrinoOptions {
  /** lines of its configuration; a property that the usual one has replaces it */
  config?: Readonly<Record<string, string>>;
  /** of an earlier server, to take its place */
  port?: number;
  /** wait until it answers itself, not until it answers queries */
  withoutWorkers?: boolean;
}

/** Small: a query may use a third of the heap. A test file may create catalogs of its own. */
const settings = {
  'query.max-memory': '160MB',
  'query.max-memory-per-node': '160MB',
  'memory.heap-headroom-per-node': '128MB',
  'task.concurrency': '2',
  'task.max-worker-threads': '4',
  'catalog.management': 'dynamic',
};

/** It starts soon rather than working fast. */
const jvmOptions = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/**
 * Start a small Trino on a free loopback port, and wait until it answers queries. It dies with this process.
 *
 * @param directory of its own, created when absent
 * @throws Error that says how to get Trino when it is not installed
 */
export async function startTrino(directory: string, options: TrinoOptions = {}): Promise<TrinoServer> {
  const { config, port = 0, withoutWorkers = false } = options;
  return startTrinoServer({
    directory,
    jvmOptions,
    config: { ...settings, ...config },
    port,
    withoutWorkers,
    environment: process.env,
  });
}
