import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { packageRoot } from '../platform/package-root.ts';
import { cachedPayload } from './payload/cache.ts';
import { shapeNames, shapes } from './payload/shapes.ts';

const cacheDirectory = join(packageRoot, '.data', 'bench', 'payloads');

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
        const { directory, archive } = await cachedPayload(cacheDirectory, { shape: shapes[name], seed });
        process.stdout.write(`${name} ${join(directory, archive)}\n`);
      }
    },
  )
  .demandCommand(1)
  .strict()
  .parseAsync();
