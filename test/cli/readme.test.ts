import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { configurationTable } from '../../platform/config/config.ts';

test('the configuration table of the README is the one of the program', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const rows = configurationTable().map(
    ({ name, fallback, meaning }) =>
      `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
  );
  expect(readme).toContain(['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n'));
});
