import { inject } from 'vitest';
import { testEnvironment } from './pipeline.ts';
import type { TestPipeline } from './pipeline.ts';
import { startCommand } from './program-process.ts';
import type { ProgramProcess } from './program-process.ts';

/** `ocp-pipeline serve`, a process of its own, and where it answers. */
export interface ServeProcess extends ProgramProcess {
  url: string;
  port: number;
}

/** The settings of `serve` with the servers of a test pipeline, on a free port. */
export function serveSettings({
  database,
  namespace,
  config,
}: Pick<TestPipeline, 'database' | 'namespace' | 'config'>): Record<string, string> {
  return {
    ...testEnvironment,
    DATABASE_URL: database.url,
    OBJECT_STORE: config.OBJECT_STORE ?? '',
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    OCP_HTTP_ADDRESS: '127.0.0.1:0',
  };
}

/** Start it, with uploads or for readers alone, and wait until it listens; it ends with the file's tests. */
export async function startServe(
  settings: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<ServeProcess> {
  const serving = startCommand(['serve', ...args], settings);
  await serving.hasSaid(args.includes('--no-uploads') ? '"answering readers"' : '"accepting uploads"');
  const port = Number(/"port":(\d+)/.exec(serving.output())?.[1]);
  return { ...serving, port, url: `http://127.0.0.1:${port}` };
}
