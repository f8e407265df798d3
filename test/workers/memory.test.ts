import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { workerEnvironment, workerNodeOptions } from '../../workers/memory.ts';

test('the command starts Node with what keeps its memory small, as the image does', () => {
  const read = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');
  const environment = Object.entries(workerEnvironment).map(([name, value]) => `${name}=${value}`);
  const [shebang] = read('cli', 'main.ts').split('\n');
  expect(shebang).toBe(`#!/usr/bin/env -S ${[...environment, 'node', ...workerNodeOptions].join(' ')}`);
  const image = read('Dockerfile');
  for (const variable of environment) expect(image).toMatch(new RegExp(`^(ENV)? +${variable}( \\\\)?$`, 'm'));
  for (const option of workerNodeOptions) expect(image).toContain(`CMD ["node", "${option}"`);
});
