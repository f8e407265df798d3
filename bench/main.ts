import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { packageRoot } from '../platform/package-root.ts';
import { connectClient, localTemporal } from '../platform/temporal.ts';
import { stopSignal } from '../cli/stop-signal.ts';
import { createTemplate } from './databases.ts';
import { measureShape } from './measure.ts';
import { cachedPayload } from './payload/cache.ts';
import { shapeNames, shapes } from './payload/shapes.ts';
import { createProgress } from './progress.ts';
import { startServers } from './servers.ts';

const dataDirectory = join(packageRoot, '.data', 'bench');
const payloadDirectory = join(dataDirectory, 'payloads');

await yargs(hideBin(process.argv))
  .scriptName('npm run bench --')
  .command(
    'generate <shapes..>',
    'Make the payloads and print where they are',
    (parser) =>
      parser
        .positional('shapes', { choices: shapeNames, array: true, demandOption: true })
        .option('seed', { type: 'number', default: 1 }),
    async ({ shapes: names, seed }) => {
      for (const name of names) {
        const { directory, archive } = await cachedPayload(payloadDirectory, { shape: shapes[name], seed });
        process.stdout.write(`${name} ${join(directory, archive)}\n`);
      }
    },
  )
  .command(
    '$0 [shapes..]',
    'measure',
    (parser) =>
      parser
        .positional('shapes', { choices: shapeNames, array: true, default: shapeNames })
        .option('runs', { type: 'number', default: 3 }),
    async ({ shapes: names, runs }) => {
      const signal = stopSignal();
      const progress = createProgress(process.stderr.isTTY);
      progress.step('starting PostgreSQL and Temporal');
      const servers = await startServers(join(dataDirectory, 'servers'), progress.say);
      try {
        await createTemplate(servers);
        const client = await connectClient(localTemporal(servers.temporalAddress));
        for (const name of names) {
          const m = await measureShape(
            {
              servers,
              client,
              workDirectory: join(dataDirectory, 'work'),
              payloadDirectory,
              seed: 1,
              runCount: runs,
              progress,
              signal,
            },
            name,
          );
          console.log(JSON.stringify(m, null, 1));
        }
        await client.connection.close();
      } finally {
        await servers.stop();
        progress.end();
      }
    },
  )
  .strict()
  .parseAsync();
