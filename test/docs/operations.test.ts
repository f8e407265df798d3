import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import yargs from 'yargs';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../cli/catalog.ts';
import { configurationKeys } from '../../platform/config/config.ts';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url);
const pathOf = (path: string) => fileURLToPath(new URL(path, root));
const program = pathOf('dist/cli/main.js');

/** Variables of Temporal's, the AWS SDK's and glibc's own, which other programs define. */
const foreignVariables = /^(MALLOC|TEMPORAL|AWS)_[A-Z0-9_]+$/;
/** A picture is looked at on a page and cloned by everybody. */
const maxPictureBytes = 150_000;

let page: string;
let alerts: string[];

beforeAll(async () => {
  page = await readFile(pathOf('docs/operations.md'), 'utf8');
  const { groups } = parse(await readFile(pathOf('deploy/prometheus/alerts.yml'), 'utf8')) as {
    groups: { rules: { alert: string }[] }[];
  };
  alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
});

/** Sections at one level of headings: their texts by heading. */
function sections(level: string): Map<string, string> {
  const parts = page.split(new RegExp(`^${level} `, 'm')).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n'))]));
}

/** What a page of GitHub calls the place of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(/\s/g, '-');

test('every alert has a section with a remedy, and every section about an alert has its alert', () => {
  const found = new Map([...sections('###')].filter(([heading]) => /^Ocp[A-Z]/.test(heading)));
  expect(alerts.length).toBeGreaterThan(5);
  expect([...found.keys()].sort()).toEqual([...alerts].sort());
  for (const [alert, text] of found) {
    expect(text, `${alert}: what it means`).toMatch(/\*\*Means\*\*/);
    expect(text, `${alert}: what to do`).toMatch(/\*\*Do\*\*/);
  }
});

describe('pictures', () => {
  test('every one that a page shows is there, and every one that is there is shown', async () => {
    const pages = (await readdir(pathOf('docs'))).filter((name) => name.endsWith('.md'));
    const texts = await Promise.all(pages.map((name) => readFile(pathOf(`docs/${name}`), 'utf8')));
    const shown = texts.flatMap((text) => [...text.matchAll(/!\[([^\]]+)\]\(images\/([^)]+)\)/g)]);
    expect(shown.length).toBeGreaterThan(5);
    for (const [, words = ''] of shown) expect(words).toMatch(/\w+ \w+/);
    expect(shown.map(([, , name]) => name).sort()).toEqual((await readdir(pathOf('docs/images'))).sort());
  });

  test('they are PNG files and small', async () => {
    for (const name of await readdir(pathOf('docs/images'))) {
      const path = pathOf(`docs/images/${name}`);
      expect((await stat(path)).size, name).toBeLessThan(maxPictureBytes);
      expect((await readFile(path)).subarray(1, 4).toString(), name).toBe('PNG');
    }
  });
});

test('every setting that the page names exists', () => {
  const named = [...new Set([...page.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)].map(([name]) => name))];
  expect(named).toContain('BLOCKED_WAIT');
  expect(named.filter((name) => !configurationKeys.includes(name) && !foreignVariables.test(name))).toEqual(
    [],
  );
});

test('every metric that the page names is explained', async () => {
  const metrics = await readFile(pathOf('docs/metrics.md'), 'utf8');
  const named = [...new Set(page.match(/\b(?:ocp_postgres|temporal)_[a-z_]+\b/g) ?? [])];
  expect(named.filter((name) => !metrics.includes(name.replace(/_(bucket|sum|count)$/, '')))).toEqual([]);
});

test('every link leads somewhere', async () => {
  const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(5);
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
  for (const link of links.filter((address) => !address.includes('://'))) {
    const [file = '', anchor] = link.split('#');
    if (file !== '') await expect(stat(pathOf(`docs/${file}`)), link).resolves.toBeDefined();
    else expect(headings, link).toContain(anchor);
  }
});

describe('commands', () => {
  /** Words and options of every command in code, as they follow `ocp-pipeline`. */
  function givenCommands(): Map<string, Set<string>> {
    const code = page.match(/```[^`]+```|`[^`\n]+`/g) ?? [];
    const commands = code.flatMap((text) => [...text.matchAll(/ocp-pipeline ([a-z][^#`\n|]*)/g)]);
    const given = new Map<string, Set<string>>();
    for (const [, command = ''] of commands) {
      const [name = ''] = /^[a-z]+(?: [a-z]+)*(?=\s|$)/.exec(command) ?? [];
      const options = given.get(name) ?? new Set();
      for (const [option] of command.matchAll(/--[a-z][a-z-]*/g)) options.add(option.slice(2));
      given.set(name, options);
    }
    return given;
  }

  /** Every command and its options. */
  async function existingCommands(): Promise<Map<string, string[]>> {
    const existing = new Map<string, string[]>();
    const add = async (entry: (typeof catalog)[number], group = '') => {
      const [word = ''] = entry.name.split(' ');
      if (!('load' in entry)) {
        for (const command of entry.commands) await add(command, `${group}${word} `);
        return;
      }
      const { options } = parserOf((await entry.load()).options(yargs([]) as never));
      existing.set(`${group}${word}`, Object.keys(options.key));
    };
    for (const entry of catalog) await add(entry);
    return existing;
  }

  test('and options that the page gives exist', async () => {
    const given = givenCommands();
    const existing = await existingCommands();
    expect([...given.keys()]).toEqual(expect.arrayContaining(['migrate', 'replay', 'schedules list']));
    for (const [name, options] of given) {
      expect([...existing.keys()], `ocp-pipeline ${name}`).toContain(name);
      expect(existing.get(name), `options of ${name}`).toEqual(expect.arrayContaining([...options]));
    }
  });

  test('that exist are those that the program lists', async () => {
    const { stdout } = await run(process.execPath, [program, '--help']);
    const listed = [...stdout.matchAll(/^ {2}ocp-pipeline ([a-z-]+)/gm)].map(([, name]) => name);
    const top = new Set([...(await existingCommands()).keys()].map((name) => name.split(' ')[0]));
    expect(listed.sort()).toEqual([...top, 'completion'].sort());
  });
});

/** What yargs knows of a parser's options; its types do not tell. */
function parserOf(parser: object): { options: { key: Record<string, boolean> } } {
  return { options: (parser as { getOptions(): { key: Record<string, boolean> } }).getOptions() };
}
