import { NativeConnection } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import { clock, loadConfig } from '../../platform/config/config.ts';
import { openObjectStore } from '../../platform/object-store/index.ts';
import { startPipelineWorkers } from '../../workers/pipeline.ts';
import { createTestDatabase } from '../support/database.ts';
import { createNamespace } from '../support/pipeline.ts';
import { atEnd } from '../support/at-end.ts';

test('workers of which one cannot start say why, and let go of the connection so that the process can end', async () => {
  const { pool, url: databaseUrl } = await createTestDatabase();
  const config = loadConfig({});
  const { connection: client, namespace } = await createNamespace();
  atEnd(() => client.close());
  const connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  const starting = startPipelineWorkers({
    connection,
    namespace,
    workflowBundlePath: '/nowhere/bundle.js',
    dependencies: {
      pool,
      databaseUrl,
      objectStore: openObjectStore({ url: 'file:///nowhere' }),
      config,
      now: clock(config),
    },
  });
  await expect(starting).rejects.toThrow('/nowhere/bundle.js');
  await connection.close();
});
