import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile, chmod } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres, postgresUrl, startPostgres, stopPostgres } from '../../dev-stack/postgres-server.ts';
import type { PostgresServer } from '../../dev-stack/postgres-server.ts';
import { identifySelf, isRunning, stopProcess } from '../../dev-stack/process-identity.ts';
import type { ProcessIdentity } from '../../dev-stack/process-identity.ts';
import { findTemporalBinary } from '../../dev-stack/temporal-binary.ts';
import { startTemporal, stopTemporal, temporalAddress } from '../../dev-stack/temporal-server.ts';
import type { TemporalServer } from '../../dev-stack/temporal-server.ts';

const directoryPrefix = 'ocp-pipeline-test-';
const ownersFile = 'processes.json';

/** Speed instead of safety: the data are thrown away. Each test file keeps pools of its own, so many connections. */
const postgresSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
};

/**
 * A namespace made by a test is otherwise unknown to the server's caches for seconds. Each look reads them all, so
 * looking ten times a second cost a twentieth of a core at the end of a run.
 */
const dynamicConfig = {
  'system.namespaceCacheRefreshInterval': '"500ms"',
  'system.forceSearchAttributesCacheRefreshOnRead': 'true',
};

/** Servers that all test files share. */
export interface TestServers {
  /** Superuser URL of database `postgres`. */
  postgresUrl: string;
  /** `host:port`, namespace `default`. */
  temporalAddress: string;
  /** Stop what was started here and remove its data. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Start one throw-away PostgreSQL and one Temporal dev server, in memory, on free loopback ports, for a whole run.
 *
 * `TEST_POSTGRES_URL` and `TEMPORAL_ADDRESS` name servers to use instead. The servers end with this process, also
 * when it is ended by SIGINT or SIGTERM; those of a test run killed harder are removed by the next one.
 *
 * @throws Error that says how to get a server when one cannot be started
 */
export async function startTestServers(): Promise<TestServers> {
  const givenPostgres = process.env['TEST_POSTGRES_URL'];
  const givenTemporal = process.env['TEMPORAL_ADDRESS'];
  await removeLeftOvers();
  const directory = await mkdtemp(join(tmpdir(), directoryPrefix));
  // PostgreSQL may run as another user than this process and must be able to pass through.
  await chmod(directory, 0o755);
  const started: StartedServers = {};
  await writeProcesses(directory, started);
  const disarm = endWithProcess(directory, started);
  const stop = async (): Promise<void> => {
    disarm();
    await Promise.all([
      started.postgres && stopPostgres(started.postgres),
      started.temporal && stopTemporal(started.temporal),
    ]);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const password = randomBytes(16).toString('hex');
    const starts = await Promise.allSettled([
      givenPostgres ?? startThrowAwayPostgres(directory, password, started),
      givenTemporal ?? startThrowAwayTemporal(directory, started),
    ]);
    await writeProcesses(directory, started);
    const [postgres, temporal] = starts.map((result) => {
      if (result.status === 'rejected') {
        throw result.reason;
      }
      return result.value;
    });
    return { postgresUrl: postgres ?? '', temporalAddress: temporal ?? '', stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startThrowAwayPostgres(
  directory: string,
  password: string,
  started: StartedServers,
): Promise<string> {
  started.postgres = await startPostgres({
    directory: join(directory, 'postgres'),
    logFile: join(directory, 'postgres.log'),
    password,
    wantedPort: 0,
    settings: postgresSettings,
    environment: process.env,
    say,
  });
  return postgresUrl(started.postgres.port, password, 'postgres');
}

async function startThrowAwayTemporal(directory: string, started: StartedServers): Promise<string> {
  const workingDirectory = join(directory, 'temporal');
  await mkdir(workingDirectory);
  started.temporal = await startTemporal({
    binary: await findTemporalBinary({ say, environment: process.env }),
    databaseFile: undefined,
    workingDirectory,
    logFile: join(directory, 'temporal.log'),
    wantedPort: 0,
    wantedUiPort: 0,
    dynamicConfig,
    environment: process.env,
    onSpawn: async (server) => {
      started.temporal = server;
      await writeProcesses(directory, started);
    },
  });
  return temporalAddress(started.temporal);
}

/** Handlers of a dying process cannot wait, so the servers are ended at once: their data go anyway. */
function endWithProcess(directory: string, started: StartedServers): () => void {
  const end = (): void => {
    for (const [server, signal] of [
      [started.postgres, 'SIGQUIT'],
      [started.temporal, 'SIGKILL'],
    ] as const) {
      try {
        if (server !== undefined) {
          process.kill(server.pid, signal);
        }
      } catch {
        // It has ended already.
      }
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  const endBySignal = (signal: NodeJS.Signals): void => {
    end();
    // Not raised again: libraries that listen for the signal too would each wait for the other to end the process.
    process.exit(128 + constants.signals[signal]);
  };
  const disarm = (): void => {
    process.off('exit', end);
    process.off('SIGINT', endBySignal);
    process.off('SIGTERM', endBySignal);
  };
  process.once('exit', end);
  process.once('SIGINT', endBySignal);
  process.once('SIGTERM', endBySignal);
  return disarm;
}

/** What a test run that was killed with SIGKILL left behind: its servers and their directory. */
async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(directoryPrefix)) {
      continue;
    }
    const directory = join(tmpdir(), name);
    const processes = await readProcesses(directory);
    if (processes === undefined || (await isRunning(processes.owner))) {
      continue;
    }
    // Killed while it was starting, a run has not written down its PostgreSQL yet.
    const postgres = await findPostgres(join(directory, 'postgres'));
    for (const server of [...processes.servers, ...(postgres === undefined ? [] : [postgres])]) {
      await stopProcess(server, 'left-over test server', [
        { signal: 'SIGQUIT', graceMs: 5_000 },
        { signal: 'SIGKILL', graceMs: 5_000 },
      ]);
    }
    await rm(directory, { recursive: true, force: true });
  }
}

interface StartedServers {
  postgres?: PostgresServer;
  temporal?: TemporalServer;
}

interface Processes {
  owner: ProcessIdentity;
  servers: ProcessIdentity[];
}

async function writeProcesses(directory: string, started: StartedServers): Promise<void> {
  const servers = [started.postgres, started.temporal].filter((server) => server !== undefined);
  const processes: Processes = { owner: await identifySelf(), servers };
  await writeFile(join(directory, ownersFile), JSON.stringify(processes));
}

async function readProcesses(directory: string): Promise<Processes | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, ownersFile), 'utf8')) as Processes;
  } catch {
    // No such file yet: that run is just starting.
    return undefined;
  }
}

function say(line: string): void {
  process.stderr.write(`test servers: ${line}\n`);
}
