import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalBinary } from '../../dev-stack/temporal-binary.ts';
import { startTemporal, stopTemporal, temporalAddress } from '../../dev-stack/temporal-server.ts';
import { atEnd } from './at-end.ts';

/**
 * A Temporal dev server of the test file's own, in memory, that suggests to continue as new after `eventCount` events
 * instead of 4,096, so that a run of a few pieces does what one of 1,300 does elsewhere. It ends with the file's tests.
 *
 * @returns its address
 */
export async function startLowLimitTemporal(eventCount: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-low-limit-'));
  const server = await startTemporal({
    binary: await findTemporalBinary({
      say: (line) => process.stderr.write(`${line}\n`),
      environment: process.env,
    }),
    databaseFile: undefined,
    workingDirectory: directory,
    logFile: join(directory, 'temporal.log'),
    wantedPort: 0,
    wantedUiPort: 0,
    dynamicConfig: {
      'limit.historyCount.suggestContinueAsNew': String(eventCount),
      // A namespace made by a test is otherwise unknown to the server's caches for seconds.
      'system.namespaceCacheRefreshInterval': '"100ms"',
      'system.forceSearchAttributesCacheRefreshOnRead': 'true',
    },
    environment: process.env,
  });
  atEnd(async () => {
    await stopTemporal(server);
    await rm(directory, { recursive: true, force: true });
  });
  return temporalAddress(server);
}
