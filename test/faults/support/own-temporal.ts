import { join } from 'node:path';

import { isRunning } from '../../../dev-stack/process-identity.ts';
import { findTemporalBinary } from '../../../dev-stack/temporal-binary.ts';
import { startTemporal, stopTemporal, temporalAddress } from '../../../dev-stack/temporal-server.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createFolder } from './fault-bed.ts';
import { atEnd } from '../../support/at-end.ts';

/** A Temporal dev server of a scenario's own, that keeps its workflows in a file. */
export interface OwnTemporal {
  address: string;
  /** end it with SIGKILL; resolves when it is gone */
  crash(): Promise<void>;
  /** start it on the same ports with the same file */
  restart(): Promise<void>;
}

/** Start it. It ends with the file's tests, and with this process whatever happens. */
export async function startOwnTemporal(): Promise<OwnTemporal> {
  const directory = await createFolder('temporal');
  const binary = await findTemporalBinary({ say: () => undefined, environment: process.env });
  const start = (wantedPort: number, wantedUiPort: number) =>
    startTemporal({
      binary,
      databaseFile: join(directory, 'temporal.db'),
      workingDirectory: directory,
      logFile: join(directory, 'temporal.log'),
      wantedPort,
      wantedUiPort,
      // A namespace made by a test is otherwise unknown to the server's caches for seconds.
      dynamicConfig: {
        'system.namespaceCacheRefreshInterval': '"100ms"',
        'system.forceSearchAttributesCacheRefreshOnRead': 'true',
      },
      environment: process.env,
    });
  let server = await start(0, 0);
  const endWithProcess = (): void => {
    try {
      process.kill(server.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  process.once('exit', endWithProcess);
  atEnd(async () => {
    await stopTemporal(server);
    process.off('exit', endWithProcess);
  });
  return {
    address: temporalAddress(server),
    crash: async () => {
      process.kill(server.pid, 'SIGKILL');
      await waitUntil(async () => !(await isRunning(server)));
    },
    restart: async () => {
      const { port, uiPort } = server;
      server = await start(port, uiPort);
      if (server.port !== port)
        throw new Error(`Temporal came back on port ${server.port} instead of ${port}`);
    },
  };
}
