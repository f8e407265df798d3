import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { searchAttributeNames, searchAttributeTypes } from '../domain/run/search-attributes.ts';
import { startOnFreePorts } from './ports.ts';
import { commandLineOf, isRunning, stopProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { ServerEnded, startServerProcess, withoutVariables } from './server-process.ts';

const startTimeoutMs = 60_000;
const answerTimeoutMs = 3_000;
const namespace = 'default';

/** What priority and fairness keys need on servers before 1.31; later ones know these settings too. */
export const fairnessSettings: Readonly<Record<string, string>> = {
  'matching.useNewMatcher': 'true',
  'matching.enableFairness': 'true',
};

/** A running Temporal dev server on 127.0.0.1. */
export interface TemporalServer extends ProcessIdentity {
  port: number;
  uiPort: number;
  /** A namespace that only this server has, besides `default`: a server on this port without it is somebody else's. */
  marker: string;
}

/** How to run a Temporal dev server. */
export interface TemporalServerOptions {
  /** Path of the `temporal` program. */
  binary: string;
  /** SQLite file that persists workflows over a restart; undefined keeps them in memory. */
  databaseFile: string | undefined;
  /** Working directory of the server. */
  workingDirectory: string;
  logFile: string;
  /** Preferred ports; other free ones are used if they are taken. 0 for any. */
  wantedPort: number;
  wantedUiPort: number;
  /** Server settings besides the fixed ones; values are JSON. */
  dynamicConfig?: Readonly<Record<string, string>>;
  environment: NodeJS.ProcessEnv;
  /** Called as soon as the process exists, before it is ready, so that it can be recorded. */
  onSpawn?: (server: TemporalServer) => Promise<void>;
}

/**
 * Start a Temporal dev server with the search attributes of this program and wait until its namespace answers.
 *
 * Once in hundreds of starts the server panics during initialisation; it is then started again.
 *
 * @throws PipelineError `EmbeddedServerFailed` with the first and last lines of the server's output if it does not
 * start
 */
export async function startTemporal(options: TemporalServerOptions): Promise<TemporalServer> {
  const wanted = [options.wantedPort, options.wantedUiPort];
  const marker = markerOf(options.databaseFile);
  const start = async ([port = 0, uiPort = 0]: readonly number[]): Promise<TemporalServer> => {
    const process = await startServerProcess({
      name: 'Temporal dev server',
      command: options.binary,
      args: serverArguments(options, { port, uiPort, marker }),
      workingDirectory: options.workingDirectory,
      environment: withoutVariables(options.environment, 'TEMPORAL_'),
      logFile: options.logFile,
    });
    const server = { ...process.identity, port, uiPort, marker };
    try {
      await options.onSpawn?.(server);
      await process.waitUntil(() => answersTemporal(server), startTimeoutMs);
    } catch (error) {
      await stopTemporal(server);
      throw error;
    }
    return server;
  };
  return startOnFreePorts(wanted, start, (error) => error instanceof ServerEnded);
}

/** Whether a server recorded earlier is still running and serves this database file: pids are reused. */
export async function isTemporalRunning(server: TemporalServer, databaseFile: string): Promise<boolean> {
  return (
    (await isRunning(server)) &&
    (await commandLineOf(server.pid)).includes(`--db-filename ${databaseFile} --`)
  );
}

/**
 * Name of the namespace that distinguishes a server from all others. It stays the same for a database file, which would
 * otherwise accumulate one with each start.
 */
function markerOf(databaseFile: string | undefined): string {
  const text = databaseFile === undefined ? randomUUID() : `${hostname()}:${databaseFile}`;
  return `ocp-stack-${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
}

/** Whether this very server answers, and its namespace has our search attributes. */
export async function answersTemporal(server: TemporalServer): Promise<boolean> {
  let connection: Connection;
  try {
    connection = await Connection.connect({
      address: temporalAddress(server),
      connectTimeout: answerTimeoutMs,
    });
  } catch {
    return false;
  }
  try {
    return await connection.withDeadline(Date.now() + answerTimeoutMs, async () => {
      await connection.workflowService.describeNamespace({ namespace: server.marker });
      await connection.workflowService.describeNamespace({ namespace });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      return searchAttributeNames.every((name) => name in customAttributes);
    });
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

/** Stop a server; workflows are kept if it has a database file. */
export async function stopTemporal(server: TemporalServer): Promise<void> {
  await stopProcess(server, 'Temporal dev server', [
    { signal: 'SIGTERM', graceMs: 8_000 },
    { signal: 'SIGKILL', graceMs: 5_000 },
  ]);
}

/** gRPC address for clients and workers. */
export function temporalAddress(server: TemporalServer): string {
  return `127.0.0.1:${server.port}`;
}

function serverArguments(
  options: TemporalServerOptions,
  { port, uiPort, marker }: { port: number; uiPort: number; marker: string },
): string[] {
  const settings = { ...fairnessSettings, ...options.dynamicConfig };
  return [
    'server',
    'start-dev',
    ...(options.databaseFile === undefined ? [] : ['--db-filename', options.databaseFile]),
    ...['--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--namespace', marker],
    ...searchAttributeNames.flatMap((name) => [
      '--search-attribute',
      `${name}=${searchAttributeTypes[name]}`,
    ]),
    ...Object.entries(settings).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ...['--log-level', 'warn', '--color', 'never'],
  ];
}
