import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { engineNames } from '../../../platform/config/config.ts';
import { packageRoot } from '../../../platform/config/package-root.ts';

/** What the last constraint on a column of the tenant's tables admits; a newer migration replaces an older one. */
function admitted(column: string): string[] {
  const folder = join(packageRoot, 'migrations', 'tenant');
  const found = readdirSync(folder)
    .sort()
    .flatMap((name) => [
      ...readFileSync(join(folder, name), 'utf8').matchAll(
        new RegExp(`check \\(${column} in \\(([^)]*)\\)\\)`, 'g'),
      ),
    ]);
  return [...(found.at(-1)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
}

test.each(['engine', 'shadow'])('the database admits every engine as %s, and no other', (column) => {
  expect(admitted(column).sort()).toEqual([...engineNames].sort());
});
