import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOnFreePorts } from '../../dev-stack/ports.ts';
import { stopProcess } from '../../dev-stack/process-identity.ts';
import type { ProcessIdentity } from '../../dev-stack/process-identity.ts';
import { startServerProcess } from '../../dev-stack/server-process.ts';
import { cacheDirectory } from '../../dev-stack/temporal-binary.ts';

/** As in test/trino/install.sh. */
const version = '476';

/** Catalog of the lake; its metastore and its files are in a local directory. */
export const catalog = 'lake';

/** A running server. */
export interface TrinoServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Directory that `local:///` of the catalog names. */
  readonly directory: string;
  readonly identity: ProcessIdentity;
  stop(): Promise<void>;
  /** End it as a power cut would. */
  kill(): Promise<void>;
}

/** What a server is started with. */
export interface TrinoCommand {
  /** of its own, created when absent */
  directory: string;
  /** of the Java that runs it: heap and how it collects garbage */
  jvmOptions: readonly string[];
  /** lines of its configuration, beside those that make it one node on a loopback port */
  config: Readonly<Record<string, string>>;
  /** of an earlier server, to take its place; 0: any that is free */
  port: number;
  /** wait until it answers itself, not until it answers queries */
  withoutWorkers: boolean;
  environment: NodeJS.ProcessEnv;
}

/** One node that coordinates and works. */
const settings = (port: number): Record<string, string> => ({
  coordinator: 'true',
  'node-scheduler.include-coordinator': 'true',
  'node.bind-ip': '127.0.0.1',
  'node.internal-address': '127.0.0.1',
  'http-server.http.port': String(port),
  'discovery.uri': `http://127.0.0.1:${port}`,
  'web-ui.enabled': 'false',
});

/** Properties of the catalog {@link catalog}. */
export function lakeProperties(directory: string): Record<string, string> {
  return {
    'connector.name': 'hive',
    'hive.metastore': 'file',
    'hive.metastore.catalog.dir': 'local:///metastore',
    'fs.native-local.enabled': 'true',
    'local.location': directory,
    'hive.allow-register-partition-procedure': 'true',
    'hive.security': 'allow-all',
  };
}

/** What Trino asks of any Java. */
const jvmOptions = [
  '-XX:+ExitOnOutOfMemoryError',
  '-Duser.timezone=UTC',
  '-Djdk.attach.allowAttachSelf=true',
  '--add-modules=jdk.incubator.vector',
  '--enable-native-access=ALL-UNNAMED',
];

/** The first answer takes seconds, on a busy machine many. */
const maxStartMs = 120_000;

/**
 * Start Trino on a loopback port, and wait until a query succeeds that needs a worker: `/v1/info` is ready too early.
 * The server dies with this process, however that ends.
 *
 * @throws Error that says how to get Trino when it is not installed
 */
export async function startTrinoServer(command: TrinoCommand): Promise<TrinoServer> {
  const { directory } = command;
  const home = join(cacheDirectory(command.environment), `trino-${version}`);
  await access(join(home, 'java', 'bin', 'java')).catch((cause: unknown) => {
    throw new Error(`${home} has no Trino with its Java; run test/trino/install.sh`, { cause });
  });
  const files = join(directory, 'lake');
  await mkdir(join(directory, 'catalog'), { recursive: true });
  await mkdir(files, { recursive: true });
  await writeFile(join(directory, 'catalog', `${catalog}.properties`), propertiesFile(lakeProperties(files)));
  return startOnFreePorts([command.port], async ([port = 0]) => {
    const config = join(directory, 'config.properties');
    await writeFile(config, propertiesFile({ ...settings(port), ...command.config }));
    const url = `http://127.0.0.1:${port}`;
    const server = await startServerProcess({
      name: 'Trino',
      // Linux ends it when this process is gone, even if that was killed.
      command: 'setpriv',
      args: [
        '--pdeathsig',
        'KILL',
        join(home, 'java', 'bin', 'java'),
        ...command.jvmOptions,
        ...javaArguments(home, directory, config),
      ],
      workingDirectory: directory,
      environment: command.environment,
      logFile: join(directory, 'trino.log'),
    });
    const stop = () =>
      stopProcess(server.identity, 'Trino', [
        { signal: 'SIGTERM', graceMs: 10_000 },
        { signal: 'SIGKILL', graceMs: 5_000 },
      ]);
    try {
      await server.waitUntil(() => (command.withoutWorkers ? isUp(url) : answers(url)), maxStartMs);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      url,
      directory: files,
      identity: server.identity,
      stop: async () => {
        await stop();
      },
      kill: async () => {
        await stopProcess(server.identity, 'Trino', [{ signal: 'SIGKILL', graceMs: 5_000 }]);
      },
    };
  });
}

function propertiesFile(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function javaArguments(home: string, directory: string, config: string): string[] {
  const properties = {
    config,
    'node.environment': 'test',
    'node.id': 'test',
    'node.data-dir': join(directory, 'data'),
    'plugin.dir': join(home, 'plugin'),
    'catalog.config-dir': join(directory, 'catalog'),
  };
  return [
    ...jvmOptions,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    '-cp',
    join(home, 'lib', '*'),
    'io.trino.server.TrinoServer',
  ];
}

interface Page {
  nextUri?: string;
  error?: object;
}

/** Whether the server has started. */
async function isUp(url: string): Promise<boolean> {
  try {
    const { starting } = (await (await fetch(`${url}/v1/info`)).json()) as { starting: boolean };
    return !starting;
  } catch {
    return false;
  }
}

/** Whether a worker answers a query now. */
async function answers(url: string): Promise<boolean> {
  try {
    const headers = { 'X-Trino-User': 'test' };
    const body = `select count(*) from ${catalog}.information_schema.schemata`;
    let page = (await (await fetch(`${url}/v1/statement`, { method: 'POST', headers, body })).json()) as Page;
    while (page.nextUri !== undefined) page = (await (await fetch(page.nextUri, { headers })).json()) as Page;
    return page.error === undefined;
  } catch {
    return false;
  }
}
