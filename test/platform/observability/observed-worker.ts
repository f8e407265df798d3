import { startOnFreePorts } from '../../../dev-stack/ports.ts';
import { startWorkerProgram } from '../../support/program-process.ts';

/** The built `ocp-pipeline worker` in a process of its own, with metrics and health pages on free ports. */
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

/**
 * Start it and wait until it answers, however long that takes. It ends with the file's tests.
 * @param environment settings of the worker; nothing else of ours is inherited
 */
export async function startObservedWorker(environment: Record<string, string>): Promise<ObservedWorker> {
  return startOnFreePorts([0, 0], async ([metricsPort = 0, healthPort = 0]) => {
    const { worker, started } = startProcess({
      ...environment,
      OCP_METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
      OCP_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
    });
    await started();
    return worker;
  });
}

/** Start it without waiting, to see it fail. */
export function startWorker(environment: Record<string, string>): ObservedWorker {
  return startProcess(environment).worker;
}

function startProcess(environment: Record<string, string>): {
  worker: ObservedWorker;
  /** resolves when it polls; rejects when it has ended, so that it is never started again beside itself */
  started: () => Promise<void>;
} {
  const { OCP_METRICS_ADDRESS: metricsAddress = '', OCP_HEALTH_ADDRESS: healthAddress = '' } = environment;
  const { output, signal, ended, hasSaid } = startWorkerProgram(environment);
  const worker: ObservedWorker = {
    metricsAddress,
    healthAddress,
    output,
    lines: () =>
      output()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    health: async (path) => {
      const response = await fetch(`http://${healthAddress}${path}`);
      return { status: response.status, body: await response.text() };
    },
    scrape: async () => parseSamples(await (await fetch(`http://${metricsAddress}/metrics`)).text()),
    signal,
    ended,
  };
  return { worker, started: () => hasSaid('worker started') };
}

/** Lines of Prometheus's text format, without comments. */
function parseSamples(text: string): Sample[] {
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
