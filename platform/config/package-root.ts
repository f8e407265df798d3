import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Directory of our package.json: the same from source (`platform/…`) and from the build (`dist/platform/…`),
 * so that `sql/`, `migrations/` and `samples/` are found in both.
 */
export const packageRoot: string = findUp(dirname(fileURLToPath(import.meta.url)));

/** Version of this program, as its package says. */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

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
