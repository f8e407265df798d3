import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';

import { openPool } from '../../../platform/database/database.ts';
import { postgresUrl, startPostgres, stopPostgres } from '../../../dev-stack/postgres-server.ts';
import { isRunning } from '../../../dev-stack/process-identity.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createTemplateDatabase, databaseUrl, testOrg } from '../../support/template-database.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createFolder } from './fault-bed.ts';
import { atEnd } from '../../support/at-end.ts';

/** A PostgreSQL of a scenario's own, on whose disk things are when it says so: fsync is on. */
export interface OwnPostgres {
  database: TestDatabase;
  /**
   * `SIGKILL`: the postmaster dies like in a power cut; `SIGQUIT`: `pg_ctl stop -m immediate`. Resolves when it is gone
   */
  crash(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void>;
  /** start it on the same port; it recovers from its log */
  restart(): Promise<void>;
}

/** Start it, with a migrated database. It ends with the file's tests, and with this process whatever happens. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const directory = await createFolder('postgres');
  await chmod(directory, 0o755); // PostgreSQL runs as another user than root
  const password = randomBytes(16).toString('hex');
  const start = (wantedPort: number) =>
    startPostgres({
      directory: join(directory, 'data'),
      logFile: join(directory, 'postgres.log'),
      password,
      wantedPort,
      settings: { fsync: 'on', max_connections: '120' },
      environment: process.env,
      say: () => undefined,
    });
  let server = await start(0);
  const endWithProcess = (): void => {
    try {
      process.kill(server.pid, 'SIGQUIT');
    } catch {
      // It has ended already.
    }
  };
  process.once('exit', endWithProcess);
  const serverUrl = postgresUrl(server.port, password, 'postgres');
  const url = databaseUrl(serverUrl, await createTemplateDatabase(serverUrl));
  const pool = openPool({ url, size: 20, applicationName: 'test' });
  atEnd(async () => {
    await pool.end();
    await stopPostgres(server);
    process.off('exit', endWithProcess);
  });
  return {
    database: { url, pool, ...testOrg },
    crash: async (signal) => {
      process.kill(server.pid, signal);
      await waitUntil(async () => !(await isRunning(server)));
    },
    restart: async () => {
      const { port } = server;
      server = await start(port);
      if (server.port !== port)
        throw new Error(`PostgreSQL came back on port ${server.port} instead of ${port}`);
    },
  };
}
