import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { cacheDirectory, controlServer, requireProgram } from './server-control.ts';
import type { ServerControl } from './server-control.ts';

/** Rules as they are shipped. */
export const alertsPath = fileURLToPath(new URL('../../deploy/prometheus/alerts.yml', import.meta.url));

/** A running Prometheus. */
export interface Prometheus extends ServerControl {
  /** ask its HTTP API; the `data` of the answer */
  api<T>(path: string, parameters?: Record<string, string>): Promise<T>;
}

/** Path of Prometheus's own checker of rules. */
export function promtoolPath(): Promise<string> {
  return requireProgram(join(cacheDirectory(), 'promtool'));
}

/**
 * Start Prometheus on a free loopback port with our alerts, scraping every second, and wait until it answers.
 *
 * @param directory holds its configuration, data and log; created when absent
 * @param target `host:port` to scrape
 * @throws Error that says how to get Prometheus when it is not installed
 */
export async function startPrometheus(directory: string, target: string): Promise<Prometheus> {
  const program = await requireProgram(join(cacheDirectory(), 'prometheus'));
  await mkdir(directory, { recursive: true });
  await copyFile(alertsPath, join(directory, 'alerts.yml'));
  await writeFile(
    join(directory, 'prometheus.yml'),
    [
      'global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }',
      'rule_files: [alerts.yml]',
      `scrape_configs: [{ job_name: ocp-pipeline, static_configs: [{ targets: ['${target}'] }] }]`,
      '',
    ].join('\n'),
  );
  return startOnFreePorts([0], async ([port = 0]) => {
    const endpoint = `http://127.0.0.1:${port}`;
    const control = controlServer(
      {
        name: 'Prometheus',
        command: program,
        args: [
          `--config.file=${join(directory, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(directory, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        workingDirectory: directory,
        environment: process.env,
        logFile: join(directory, 'prometheus.log'),
      },
      () => answers(`${endpoint}/-/ready`),
      'SIGTERM',
    );
    await control.start();
    return {
      ...control,
      api: async <T>(path: string, parameters: Record<string, string> = {}) => {
        const query = new URLSearchParams(parameters).toString();
        const response = await fetch(`${endpoint}/api/v1/${path}?${query}`);
        const answer = (await response.json()) as { status: string; data: T; error?: string };
        if (answer.status !== 'success') throw new Error(`Prometheus: ${path}: ${answer.error ?? '?'}`);
        return answer.data;
      },
    };
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}
