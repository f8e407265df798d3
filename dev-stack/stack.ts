import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { PipelineError } from '../domain/failures/failures.ts';
import { answersPostgres, ensureDatabase, findPostgres, postgresUrl } from './postgres-server.ts';
import { startPostgres, stopPostgres } from './postgres-server.ts';
import type { PostgresServer } from './postgres-server.ts';
import { identifySelf, isErrno, isRunning } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { readStackRecord, withStackLock, writeStackRecord } from './stack-record.ts';
import type { StackRecord } from './stack-record.ts';
import { findTemporalBinary } from './temporal-binary.ts';
import { answersTemporal, isTemporalRunning, startTemporal, stopTemporal } from './temporal-server.ts';
import { temporalAddress } from './temporal-server.ts';
import type { TemporalServer } from './temporal-server.ts';

const usualPostgresPort = 54320;
const usualTemporalPort = 7233;
const usualTemporalUiPort = 8233;
const database = 'ocp_pipeline';
const attachTimeoutMs = 15_000;
const attachPollMs = 200;

/** Settings for one developer machine: room for workers and a few tools, larger batches between checkpoints. */
const postgresSettings = { max_connections: '200', shared_buffers: '256MB', max_wal_size: '2GB' };

/** What to open, and where its data are stored. */
export interface EmbeddedStackOptions {
  /** Directory for all data of the servers; created if it does not exist. One stack per directory. */
  dataDirectory: string;
  /** Which parts this process needs; parts not needed are neither started nor attached to. */
  needs: { postgres: boolean; temporal: boolean; objectStore: boolean };
  /** Called with one line of progress. */
  say: (line: string) => void;
  /** Variables for finding programs and for the servers; default: this process's own. */
  environment?: NodeJS.ProcessEnv;
}

/** Addresses of the opened parts; undefined for parts that were not needed. */
export interface EmbeddedStack {
  /** Connection URL with password, database `ocp_pipeline`, a superuser. */
  databaseUrl: string | undefined;
  /** `host:port` of the gRPC frontend, namespace `default`. */
  temporalAddress: string | undefined;
  temporalUiUrl: string | undefined;
  /** `file:///…` */
  objectStoreUrl: string | undefined;
  /** Whether this process owns at least one server; false if it is attached to servers of another one. */
  owned: boolean;
  /** Stop the servers that this process owns; servers of another process are left alone. May be called twice. */
  stop(): Promise<void>;
}

interface Context {
  directory: string;
  self: ProcessIdentity;
  record: StackRecord;
  say: (line: string) => void;
  environment: NodeJS.ProcessEnv;
  password: string;
}

/** How to handle one kind of server. */
interface ServerKind<Server extends ProcessIdentity> {
  name: string;
  /** The running one, if any, whoever started it. */
  find(): Promise<Server | undefined>;
  answers(server: Server): Promise<boolean>;
  start(): Promise<Server>;
  stop(server: Server): Promise<void>;
  /** Record that this process owns the server. */
  claim(server: Server): Promise<void>;
}

interface Opened<Server> {
  server: Server;
  owned: boolean;
}

/**
 * Open PostgreSQL, a Temporal dev server and an object-store directory on this machine, loopback only.
 *
 * Each server has one owner, recorded in `stack.json`. A server whose owner is alive (same pid, same start time) is
 * attached to and never stopped. If its owner died (`kill -9`), the server is taken over if it answers, otherwise
 * stopped by pid and restarted. A part missing from the running stack is started and owned by this process. So is a
 * server that crashed under a living owner. The usual ports (54320, 7233, 8233) are used if free, otherwise any free
 * ones. Data survive: workflows, rows and objects are still there the next time.
 *
 * The caller calls `stop()` at its end and on SIGINT, SIGTERM and SIGHUP, after its workers have shut down.
 *
 * @throws PipelineError `EmbeddedServerFailed` if a server cannot be started or found; servers started by this call are
 * stopped first
 */
export async function openEmbeddedStack(options: EmbeddedStackOptions): Promise<EmbeddedStack> {
  const { needs, say, environment = process.env } = options;
  await makeDataDirectory(options.dataDirectory);
  // A path given through a symbolic link must lead to the same names on the servers' command lines.
  const directory = await realpath(options.dataDirectory);
  const self = await identifySelf();
  const objects = join(directory, 'objects');
  if (needs.objectStore) {
    await mkdir(objects, { recursive: true, mode: 0o700 });
  }
  const servers = await withStackLock(directory, say, async () => {
    const record = await readStackRecord(directory);
    const password = needs.postgres ? await postgresPassword(directory) : '';
    return openServers({ directory, self, record, say, environment, password }, needs);
  });
  const { postgres, temporal } = servers;
  let stopping: Promise<void> | undefined;
  return {
    databaseUrl: postgres && postgresUrl(postgres.server.port, servers.password, database),
    temporalAddress: temporal && temporalAddress(temporal.server),
    temporalUiUrl: temporal && `http://127.0.0.1:${temporal.server.uiPort}`,
    objectStoreUrl: needs.objectStore ? pathToFileURL(objects).href : undefined,
    owned: (postgres?.owned ?? false) || (temporal?.owned ?? false),
    stop: () => (stopping ??= stopOwned(directory, servers, say)),
  };
}

/** Under root, PostgreSQL runs as another user, who must be able to traverse the directory; nobody needs to list it. */
async function makeDataDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first !== undefined) await chmod(path, process.getuid?.() === 0 ? 0o711 : 0o700);
}

interface OpenedServers {
  postgres: Opened<PostgresServer> | undefined;
  temporal: Opened<TemporalServer> | undefined;
  password: string;
}

async function openServers(context: Context, needs: EmbeddedStackOptions['needs']): Promise<OpenedServers> {
  const opened: OpenedServers = { postgres: undefined, temporal: undefined, password: context.password };
  try {
    if (needs.postgres) {
      opened.postgres = await openServer(context, postgresKind(context), context.record.postgres?.owner);
    }
    if (needs.temporal) {
      opened.temporal = await openServer(context, temporalKind(context), context.record.temporal?.owner);
    }
    return opened;
  } catch (error) {
    await stopServers(context.directory, opened);
    throw error;
  }
}

async function openServer<Server extends ProcessIdentity>(
  context: Context,
  kind: ServerKind<Server>,
  owner: ProcessIdentity | undefined,
): Promise<Opened<Server>> {
  const running = await kind.find();
  if (running !== undefined) {
    if (owner !== undefined && (await isRunning(owner))) {
      await waitForAnswer(kind, running, owner);
      context.say(`using the ${kind.name} of process ${owner.pid}`);
      return { server: running, owned: false };
    }
    if (await kind.answers(running)) {
      context.say(
        `taking over the ${kind.name} (pid ${running.pid}) left running by a process that has exited`,
      );
      return own(kind, running);
    }
    context.say(
      `stopping the ${kind.name} (pid ${running.pid}) left running by a process that has exited: no answer`,
    );
    await kind.stop(running);
  }
  const startedAt = Date.now();
  const opened = await own(kind, await kind.start());
  context.say(`${kind.name} started in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return opened;
}

/** A server that cannot be recorded as ours would be an orphan at once, so it is stopped again. */
async function own<Server extends ProcessIdentity>(
  kind: ServerKind<Server>,
  server: Server,
): Promise<Opened<Server>> {
  try {
    await kind.claim(server);
  } catch (error) {
    await kind.stop(server);
    throw error;
  }
  return { server, owned: true };
}

async function waitForAnswer<Server extends ProcessIdentity>(
  kind: ServerKind<Server>,
  server: Server,
  owner: ProcessIdentity,
): Promise<void> {
  const deadline = Date.now() + attachTimeoutMs;
  while (!(await kind.answers(server))) {
    if (Date.now() > deadline) {
      throw new PipelineError(
        'EmbeddedServerFailed',
        `${kind.name} (pid ${server.pid}) of process ${owner.pid} does not answer; end process ${owner.pid} and retry`,
      );
    }
    await delay(attachPollMs);
  }
}

function postgresKind(context: Context): ServerKind<PostgresServer> {
  const { directory, password } = context;
  const cluster = join(directory, 'postgres');
  return {
    name: 'PostgreSQL',
    find: () => findPostgres(cluster),
    answers: (server) => answersPostgres(server, password),
    start: () =>
      startPostgres({
        directory: cluster,
        logFile: join(directory, 'postgres.log'),
        password,
        wantedPort: usualPostgresPort,
        settings: postgresSettings,
        environment: context.environment,
        say: context.say,
      }),
    stop: stopPostgres,
    claim: async (server) => {
      context.record.postgres = { owner: context.self, server };
      await writeStackRecord(directory, context.record);
      await ensureDatabase(server, password, database);
    },
  };
}

function temporalKind(context: Context): ServerKind<TemporalServer> {
  const { directory, environment, say } = context;
  const databaseFile = join(directory, 'temporal.db');
  const claim = async (server: TemporalServer): Promise<void> => {
    context.record.temporal = { owner: context.self, server };
    await writeStackRecord(directory, context.record);
  };
  return {
    name: 'Temporal dev server',
    find: async () => {
      const server = context.record.temporal?.server;
      return server !== undefined && (await isTemporalRunning(server, databaseFile)) ? server : undefined;
    },
    answers: answersTemporal,
    start: async () =>
      startTemporal({
        binary: await findTemporalBinary({ say, environment }),
        databaseFile,
        workingDirectory: directory,
        logFile: join(directory, 'temporal.log'),
        wantedPort: usualTemporalPort,
        wantedUiPort: usualTemporalUiPort,
        environment,
        onSpawn: claim,
      }),
    stop: stopTemporal,
    claim,
  };
}

async function stopOwned(
  directory: string,
  servers: OpenedServers,
  say: (line: string) => void,
): Promise<void> {
  if (!servers.postgres?.owned && !servers.temporal?.owned) {
    return;
  }
  if (!existsSync(directory)) {
    // The data directory was removed meanwhile: there is no record to keep and nobody to lock out.
    await stopProcesses(servers);
    return;
  }
  await withStackLock(directory, say, () => stopServers(directory, servers));
}

/** Stop what is owned and remove it from the record, unless another process has recorded its own server meanwhile. */
async function stopServers(directory: string, servers: OpenedServers): Promise<void> {
  await stopProcesses(servers);
  const left = await readStackRecord(directory);
  for (const kind of ['postgres', 'temporal'] as const) {
    const [opened, recorded] = [servers[kind], left[kind]?.server];
    if (opened?.owned && recorded !== undefined && isSame(recorded, opened.server)) left[kind] = undefined;
  }
  await writeStackRecord(directory, left);
}

async function stopProcesses({ postgres, temporal }: OpenedServers): Promise<void> {
  const results = await Promise.allSettled([
    temporal?.owned ? stopTemporal(temporal.server) : undefined,
    postgres?.owned ? stopPostgres(postgres.server) : undefined,
  ]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
}

function isSame(left: ProcessIdentity, right: ProcessIdentity): boolean {
  return left.pid === right.pid && left.startTime === right.startTime;
}

/** The password is generated once, before the cluster, readable by its owner only, and never printed. */
async function postgresPassword(directory: string): Promise<string> {
  const path = join(directory, 'postgres-password');
  const cluster = join(directory, 'postgres');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) {
      throw new PipelineError(
        'EmbeddedServerFailed',
        `The password of the embedded PostgreSQL cannot be read from ${path}: the file belongs to the user who started the stack ` +
          'first; run as that user, or use another data directory',
        { cause: error },
      );
    }
  }
  if (existsSync(cluster)) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      `Password file ${path} is missing although the database ${cluster} exists; restore it, or remove ${cluster} ` +
        'to start with an empty database',
    );
  }
  const password = randomBytes(24).toString('hex');
  // Moved into place when it is complete: an empty password file would lock us out of the cluster.
  await writeFile(`${path}.new`, `${password}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return password;
}
