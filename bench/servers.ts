import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPostgres, postgresUrl, startPostgres, stopPostgres } from '../dev-stack/postgres-server.ts';
import { identifySelf, isRunning, stopProcess } from '../dev-stack/process-identity.ts';
import type { ProcessIdentity } from '../dev-stack/process-identity.ts';
import { findTemporalBinary } from '../dev-stack/temporal-binary.ts';
import { startTemporal, stopTemporal, temporalAddress } from '../dev-stack/temporal-server.ts';

/**
 * Durable, as in production: a commit is on disk. Memory is modest; `work_mem` and the planner's costs are the
 * defaults, because the program has to do without a tuned server.
 */
export const postgresSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  max_connections: '100',
} as const;

/** Throw-away servers of one benchmark. */
export interface BenchServers {
  /** URL of a database on the server, as superuser */
  databaseUrl(database: string): string;
  temporalAddress: string;
  postgresPid(): number;
  /** Write down a process that the next benchmark ends when this one is killed. */
  track(process: ProcessIdentity): Promise<void>;
  /**
   * Start PostgreSQL again on the same data with its own settings but those given, where {@link postgresSettings} were
   * until now. URLs of before are no longer right.
   * @returns its pid
   */
  restartPostgres(settings: Readonly<Record<string, string>>): Promise<number>;
  stop(): Promise<void>;
}

interface Processes {
  owner: ProcessIdentity;
  children: ProcessIdentity[];
}

const processesFile = 'processes.json';

/**
 * Start PostgreSQL and a Temporal dev server on free loopback ports, with empty data under `directory`. One benchmark
 * runs at a time; what a killed one left behind is stopped and removed first.
 *
 * @throws Error when another benchmark runs on this directory, or a server does not come up
 */
export async function startServers(directory: string, say: (line: string) => void): Promise<BenchServers> {
  await removeLeftOvers(directory);
  await mkdir(directory, { recursive: true });
  const processes: Processes = { owner: await identifySelf(), children: [] };
  const write = () => writeFile(join(directory, processesFile), JSON.stringify(processes));
  const track = async (child: ProcessIdentity) => {
    processes.children.push(child);
    await write();
  };
  await write();
  const password = randomBytes(16).toString('hex');
  const environment = process.env;
  const start = (settings: Readonly<Record<string, string>>) =>
    startPostgres({
      directory: join(directory, 'postgres'),
      logFile: join(directory, 'postgres.log'),
      password,
      wantedPort: 0,
      settings,
      environment,
      say,
    });
  let postgres = await start(postgresSettings);
  try {
    const temporalDirectory = join(directory, 'temporal');
    await mkdir(temporalDirectory);
    const temporal = await startTemporal({
      binary: await findTemporalBinary({ say, environment }),
      databaseFile: undefined,
      workingDirectory: temporalDirectory,
      logFile: join(directory, 'temporal.log'),
      wantedPort: 0,
      wantedUiPort: 0,
      environment,
      onSpawn: track,
    });
    return {
      databaseUrl: (database) => postgresUrl(postgres.port, password, database),
      temporalAddress: temporalAddress(temporal),
      postgresPid: () => postgres.pid,
      track,
      restartPostgres: async (settings) => {
        await stopPostgres(postgres);
        postgres = await start(settings);
        return postgres.pid;
      },
      stop: async () => {
        await Promise.all([stopPostgres(postgres), stopTemporal(temporal)]);
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await stopPostgres(postgres);
    throw error;
  }
}

async function removeLeftOvers(directory: string): Promise<void> {
  const text = await readFile(join(directory, processesFile), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const { owner, children } = JSON.parse(text) as Processes;
  if (await isRunning(owner))
    throw new Error(
      `process ${owner.pid} runs a benchmark here: wait for it, because two would spoil each other's figures`,
    );
  const postgres = await findPostgres(join(directory, 'postgres'));
  for (const child of [...children, ...(postgres === undefined ? [] : [postgres])])
    await stopProcess(child, 'left-over of a killed benchmark', [
      { signal: 'SIGINT', graceMs: 5_000 },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
  await rm(directory, { recursive: true, force: true });
}
