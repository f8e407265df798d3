import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Directory of our package.json: the same from source (`platform/…`) and from the build (`dist/platform/…`),
 * so that `sql/`, `migrations/` and `samples/` are found in both.
 */
export const packageRoot: string = findUp(dirname(fileURLToPath(import.meta.url)));

function findUp(start: string): string {
  let directory = start;
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory)
      throw new Error(`No package.json above ${start}: the installation is incomplete`);
    directory = parent;
  }
  return directory;
}
