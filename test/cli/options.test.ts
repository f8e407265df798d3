import { describe, expect, test } from 'vitest';
import yargs from 'yargs';
import { catalog } from '../../cli/catalog.ts';
import type { AnyCommand, ListedCommand } from '../../cli/catalog.ts';
import { withStrictValues } from '../../cli/option-values.ts';
import { startProgram } from '../support/command-line.ts';

/** What yargs knows of the options of a command; its types leave it out. */
interface Declared {
  key: Record<string, boolean>;
  string: string[];
  number: string[];
  boolean: string[];
  array: string[];
  choices: Partial<Record<string, readonly string[]>>;
  demandedOptions: Record<string, unknown>;
}

type Listed = [name: string, form: string, command: AnyCommand];

async function commandsOf(entries: typeof catalog, before = ''): Promise<Listed[]> {
  const found: Listed[] = [];
  for (const entry of entries)
    if ('commands' in entry) found.push(...(await commandsOf(entry.commands, `${before}${entry.name} `)));
    else found.push([`${before}${entry.name}`, entry.name, await load(entry)]);
  return found;
}

const load = (entry: ListedCommand) => entry.load();

const commands = await commandsOf(catalog);

/** Parse words as the command does: what it declares, and what it would be run with. */
async function parsed(form: string, command: AnyCommand, given: readonly string[]) {
  const words = [form.split(' ')[0] ?? '', ...given];
  const found: { declared?: Declared; values?: Record<string, unknown>; problem?: string } = {};
  await yargs()
    .command(
      form,
      '',
      (inner) => {
        const strict = withStrictValues(inner, (parser) => command.options(parser as never), { form, words });
        found.declared = (strict as unknown as { getOptions: () => Declared }).getOptions();
        return strict;
      },
      (values) => {
        found.values = values;
      },
    )
    .exitProcess(false)
    .fail((message) => {
      // The command line ends with the first.
      found.problem ??= message;
    })
    .parseAsync(words);
  return found;
}

async function declaredOf(form: string, command: AnyCommand): Promise<Declared> {
  const { declared } = await parsed(form, command, positionalsOf(form));
  if (declared === undefined) throw new Error(`${form}: its options were not asked for`);
  return declared;
}

const positionalsOf = (form: string) => [...form.matchAll(/[<[](\w+)/g)].map(([, name = '']) => name);

/** Texts that a parser may take for a number, a truth value or nothing. */
const texts = ['007', '1e3', '0x10', '12', '1.20', 'true', 'false', 'null', '12345678901234567890'];

describe.each(commands)('%s', (_name, form, command) => {
  test('every option has a type', async () => {
    const { key, string, number, boolean } = await declaredOf(form, command);
    const typed = [...string, ...number, ...boolean];
    expect(Object.keys(key).filter((name) => !typed.includes(name))).toEqual([]);
  });

  test('a text stays the text that was given', async () => {
    const { string, array, choices, demandedOptions } = await declaredOf(form, command);
    const positionals = positionalsOf(form);
    const demanded = Object.keys(demandedOptions).filter((name) => !positionals.includes(name));
    for (const name of string.filter((listed) => listed.length > 1)) {
      // A duration is read when it is parsed.
      for (const text of name === 'interval' ? [] : (choices[name] ?? texts)) {
        const words = [
          ...positionals.map((positional) => (positional === name ? text : 'x')),
          ...demanded.filter((other) => other !== name).flatMap((other) => [`--${other}`, 'x']),
          ...(positionals.includes(name) ? [] : [`--${name}`, text]),
        ];
        const { values, problem } = await parsed(form, command, words);
        expect(problem, words.join(' ')).toBeUndefined();
        expect(values?.[name], words.join(' ')).toEqual(array.includes(name) ? [text] : text);
      }
    }
  });
});

/** What the command line says of a line that ends with these words. */
async function problemOf(name: string, words: string): Promise<string | undefined> {
  const [, form = '', command] = commands.find(([listed]) => listed === name) ?? [];
  if (command === undefined) throw new Error(`${name}: no such command`);
  return (await parsed(form, command, words.split(' '))).problem;
}

test.each([
  ['source list', '--org', 'Not enough arguments following: org'],
  ['source list', '--org=', '--org: expected a value, found nothing'],
  ['source list', '--no-org', '--no-org: expected --org and a value'],
  ['source list', '--org 007 --org 8', '--org: expected one value, found several'],
  ['source list', '--org.id 007', '--org: expected one value, found several'],
  // A list without a name would be no restriction at all.
  ['api token create', '--org 1 --project', 'Not enough arguments following: project'],
  ['api token create', '--org 1 --project --node n', 'Not enough arguments following: project'],
  ['api token create', '--org 1 --project=', 'Not enough arguments following: project'],
  ['api token create', '--org 1 --no-project', '--no-project: expected --project and a value'],
  // Without its number, the token would not expire.
  ['api token create', '--org 1 --days', 'Not enough arguments following: days'],
  ['export focus', '--org 1 --month 2026-10 -o a -o b', '--output: expected one value, found several'],
  ['deployment set-current [buildId]', 'b --no-wait', '--no-wait: expected --wait and a value'],
  ['watch <place>', '. --interval 1s --interval 2s', '--interval: expected a whole number with a unit'],
])('%s %s: refused', async (name, words, message) => {
  expect(await problemOf(name, words)).toContain(message);
});

test('a manifest without a name is not any manifest', async () => {
  for (const words of [
    ['status', ''],
    ['replay', ''],
    ['source', 'list', '--org', ''],
  ]) {
    const { code, stdout, stderr } = await startProgram(words, {}).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^(manifest|--org): expected a value, found nothing\n/);
  }
});

const bounds = {
  'api token create --days': ['--org 1', ['0', '36501', '0.00001', '1.5'], '1 to 36500'],
  'source token create --days': ['--org 1', ['0', '36501', '0.00001', '1.5'], '1 to 36500'],
  'status [manifest] --limit': ['', ['0', '1.5', '1000001'], '1 to 1000000'],
  'status [manifest] --rejects': ['', ['0.5', '1e300'], '0 to 1000000'],
  'deployment set-current [buildId] --wait': ['b', ['0.5', '86401'], '0 to 86400'],
} as const;

test.each(Object.entries(bounds))('%s has bounds', async (option, [before, outside, range]) => {
  const [name = '', flag = ''] = option.split(' --');
  const problem = (words: string) => problemOf(name, `${before} ${words}`.trim());
  for (const value of [...outside, '-1', 'NaN', 'x', 'Infinity'])
    expect(await problem(`--${flag} ${value}`)).toBe(`--${flag}: expected a whole number from ${range}`);
  expect(await problem(`--${flag}=`)).toBe(`--${flag}: expected a value, found nothing`);
  expect(await problem(`--${flag} 2 --${flag} 3`)).toBe(`--${flag}: expected one value, found several`);
  const [min = '', max = ''] = range.split(' to ');
  for (const value of [min, max]) expect(await problem(`--${flag} ${value}`)).toBeUndefined();
});

test('every number has bounds that are tried above', async () => {
  const found: string[] = [];
  for (const [name, form, command] of commands)
    found.push(...(await declaredOf(form, command)).number.map((number) => `${name} --${number}`));
  expect(found.sort()).toEqual(Object.keys(bounds).sort());
});
