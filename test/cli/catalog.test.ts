import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { catalog, namedCommand } from '../../cli/catalog.ts';
import { packageRoot } from '../../platform/config/package-root.ts';

/** Packages that a file loads when it is imported, and those of the files that it imports. */
function packagesOf(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return new Set();
  seen.add(path);
  const packages = new Set<string>();
  for (const [, imported = ''] of readFileSync(path, 'utf8').matchAll(
    /^(?:import(?! type)|\}) .*?from '([^']+)';$/gm,
  )) {
    if (!imported.startsWith('.')) packages.add(imported);
    else for (const name of packagesOf(join(dirname(path), imported), seen)) packages.add(name);
  }
  return packages;
}

test('help and completion load no client library: a command is loaded when it is named', () => {
  const packages = [...packagesOf(join(packageRoot, 'cli', 'main.ts'))];
  expect(packages.filter((name) => !name.startsWith('node:')).sort()).toEqual(['yargs', 'yargs/helpers']);
});

test.each([
  [['ingest', 'a.tar.gz'], 'ingest <payload..>'],
  [['--json', 'tags', 'enable', 'app'], 'enable <key..>'],
  [['--get-yargs-completions', 'ocp-pipeline', 'deployment', 'list', ''], 'list'],
  [['tags'], undefined],
  [['ingset'], undefined],
  [[], undefined],
])('%j names %s', (words, name) => {
  expect(namedCommand(words)?.name).toBe(name);
});

test('every command of the catalog can be loaded', async () => {
  const commands = catalog.flatMap((entry) => ('load' in entry ? [entry] : entry.commands));
  for (const command of commands) expect(typeof (await command.load()).run, command.name).toBe('function');
  expect(commands.length).toBeGreaterThan(20);
});
