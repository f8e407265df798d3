import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { sourceFiles } from '../../scripts/rooms.mjs';

test('limits are called max… and min…', () => {
  const found = sourceFiles().flatMap((path) => {
    const text = readFileSync(join(packageRoot, path), 'utf8');
    const names =
      text.match(/\b(?:(?:most|longest|largest|fewest|least)[A-Z]|(?:MOST|LONGEST|LARGEST)_)\w*/g) ?? [];
    return names.map((name) => `${path}: ${name}`);
  });
  expect(found).toEqual([]);
});
