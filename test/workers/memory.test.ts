import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { workerNodeOptions } from '../../workers/memory.ts';

test('the command starts Node with the options that keep its memory small, as the image does', () => {
  const [shebang] = readFileSync(join(packageRoot, 'cli', 'main.ts'), 'utf8').split('\n');
  expect(shebang).toBe(`#!/usr/bin/env -S node ${workerNodeOptions.join(' ')}`);
});
