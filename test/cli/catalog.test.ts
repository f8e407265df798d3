import { expect, test } from 'vitest';
import { catalog, namedCommand } from '../../cli/catalog.ts';
import type { ListedCommand } from '../../cli/catalog.ts';
import { staticImports } from '../support/static-imports.ts';

test('help and completion load no client library: a command is loaded when it is named', () => {
  const packages = [...staticImports('cli/main.ts').packages];
  expect(packages.filter((name) => !name.startsWith('node:')).sort()).toEqual(['yargs', 'yargs/helpers']);
});

test.each([
  [['ingest', 'a.tar.gz'], 'ingest <payload..>'],
  [['--json', 'tags', 'enable', 'app'], 'enable <key..>'],
  [['--get-yargs-completions', 'ocp-pipeline', 'deployment', 'list', ''], 'list'],
  [['tags', '--json', 'list', '--org', '1'], 'list'],
  [['tags', '--org', '1', 'enable', 'app'], 'enable <key..>'],
  [['source', 'client', 'rotate', 'ocp-1'], 'rotate <client>'],
  [['source', '--json', 'token', 'list'], 'list'],
  [['source', 'client'], undefined],
  [['tags'], undefined],
  [['tags', '--json'], undefined],
  [['ingset'], undefined],
  [[], undefined],
])('%j names %s', (words, name) => {
  expect(namedCommand(words)?.name).toBe(name);
});

test('every command of the catalog can be loaded', async () => {
  const commandsOf = (entries: typeof catalog): ListedCommand[] =>
    entries.flatMap((entry) => ('load' in entry ? [entry] : commandsOf(entry.commands)));
  const commands = commandsOf(catalog);
  for (const command of commands) expect(typeof (await command.load()).run, command.name).toBe('function');
  expect(commands.length).toBeGreaterThan(20);
});
