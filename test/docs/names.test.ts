import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { sourceFiles } from '../../scripts/rooms.mjs';

/** Options of Temporal's SDK and of `Intl`, and a column of a statement. */
const ofOthers: ReadonlySet<string> = new Set([
  'maximumAttempts',
  'maximumInterval',
  'maximumFractionDigits',
  'minimumFractionDigits',
]);

test('limits are called max… and min…', () => {
  const found = sourceFiles().flatMap((path) => {
    const text = readFileSync(join(packageRoot, path), 'utf8');
    const names = [
      ...text.matchAll(/\b(?:(?:most|longest|largest|fewest|least)[A-Z]|(?:MOST|LONGEST|LARGEST)_)\w*/g),
      // Properties and parameters, which may be a word alone.
      ...text.matchAll(/[{,(]\s*(?:most|longest|largest|fewest|least)\??:/g),
      ...text.matchAll(/\b(?:maximum|minimum)[A-Z]\w*/g),
    ].map(([name]) => name);
    return names.filter((name) => !ofOthers.has(name)).map((name) => `${path}: ${name}`);
  });
  expect(found).toEqual([]);
});

test('how long a day lasts stands in one place, and in one of the page, which knows nothing of the rest', () => {
  const found = sourceFiles().filter((path) =>
    /\b86_?400_?000\b|\b24 \* 60 \* 60\b/.test(readFileSync(join(packageRoot, path), 'utf8')),
  );
  expect(found.sort()).toEqual(['domain/time/usage-day.ts', 'page/days.ts']);
});
