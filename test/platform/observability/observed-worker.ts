import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { startOnFreePorts } from '../../../dev-stack/ports.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** `ocp-pipeline worker` in a process of its own, with metrics and health pages on free ports. */
export interface ObservedWorker {
  /** `host:port` of the metrics */
  metricsAddress: string;
  healthAddress: string;
  /** what it has written to standard output and standard error */
  output(): string;
  /** the log lines among it */
  lines(): Record<string, unknown>[];
  /** read a page of the health server */
  health(path: string): Promise<{ status: number; body: string }>;
  /** read the metrics endpoint */
  scrape(): Promise<Sample[]>;
  signal(name: NodeJS.Signals): void;
  /** resolves with the exit code */
  ended: Promise<number | null>;
}

/** One line of the metrics endpoint. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const hooks = new URL('../../workflows/typescript-hooks.mjs', import.meta.url).href;
/** The hooks watch standard input for the end of the test; that alone shall not keep a worker alive that has ended. */
const unwatch = 'data:text/javascript,if (process.stdin.unref) process.stdin.unref()';
const main = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

/**
 * Start it and wait until it answers. It ends with the file's tests.
 * @param environment settings of the worker; nothing else of ours is inherited
 */
export async function startObservedWorker(environment: Record<string, string>): Promise<ObservedWorker> {
  return startOnFreePorts([0, 0], async ([metricsPort = 0, healthPort = 0]) => {
    const worker = startWorker({
      ...environment,
      OCP_METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
      OCP_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
    });
    let exitCode: number | null | undefined;
    void worker.ended.then((code) => (exitCode = code));
    await waitUntil(() => exitCode !== undefined || worker.output().includes('worker started'), 60_000);
    if (exitCode !== undefined) throw new Error(`the worker ended with ${exitCode}:\n${worker.output()}`);
    return worker;
  });
}

/** Start it without waiting, to see it fail. */
export function startWorker(environment: Record<string, string>): ObservedWorker {
  const { OCP_METRICS_ADDRESS: metricsAddress = '', OCP_HEALTH_ADDRESS: healthAddress = '' } = environment;
  const child = spawn(process.execPath, ['--import', hooks, '--import', unwatch, main, 'worker'], {
    env: { ...inherited(), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  afterAll(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    metricsAddress,
    healthAddress,
    output: () => output,
    lines: () =>
      output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    health: async (path) => {
      const response = await fetch(`http://${healthAddress}${path}`);
      return { status: response.status, body: await response.text() };
    },
    scrape: async () => parseSamples(await (await fetch(`http://${metricsAddress}/metrics`)).text()),
    signal: (name) => child.kill(name),
    ended,
  };
}

/** Lines of Prometheus's text format, without comments. */
export function parseSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return {
        name,
        labels: Object.fromEntries(
          [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]),
        ),
        value: Number(value),
      };
    });
}

/** The machine's own variables, without settings of ours or of Temporal. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OCP_|TEMPORAL_|DATABASE_URL|OBJECT_STORE|S3_|NODE_OPTIONS|VITEST)/.test(name),
    ),
  );
}
