import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../platform/config/package-root.ts';

const read = (path: string) => readFile(join(packageRoot, path), 'utf8');
const codeOf = (page: string) => [...page.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

describe('CONTRIBUTING.md', () => {
  test('has every script of package.json and no other', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const rows = [...(await read('CONTRIBUTING.md')).matchAll(/^\| `npm (?:run )?([\w:-]+)` \|/gm)];
    expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(scripts).sort());
  });
});

test.for([
  ['CONTRIBUTING.md', 40],
  ['docs/architecture.md', 30],
] as const)('%s names only files and folders that exist', async ([page, minPathCount]) => {
  const known = /^(?:[a-z-]+|\.[a-z]+)\/[\w./-]+$/;
  // NAME and NNNNNN stand for what is added; npm and npx lines are commands.
  const paths = codeOf(await read(page)).filter((code) => known.test(code) && !/NAME|NNNNNN/.test(code));
  expect(paths.length).toBeGreaterThan(minPathCount);
  expect(paths.filter((path) => path !== 'dist/' && !existsSync(join(packageRoot, path)))).toEqual([]);
});

test.for(['CONTRIBUTING.md', 'SECURITY.md'])(
  'every link of %s leads to a file and a heading',
  async (page) => {
    const links = [...(await read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const [file = '', anchor] = link.split('#');
      const target = await read(file === '' ? page : file);
      if (anchor === undefined) continue;
      const headings = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading.toLowerCase().replaceAll(/\s/g, '-'),
      );
      expect(headings, link).toContain(anchor);
    }
  },
);

interface Form {
  name: string;
  description: string;
  body: { type: string; id?: string; attributes: { label?: string; value?: string; options?: unknown[] } }[];
}

describe('issue forms', () => {
  test.for(['bug.yml', 'feature.yml'])(
    '%s has a name, and fields with a label and an id each',
    async (file) => {
      const form = parse(await read(`.github/ISSUE_TEMPLATE/${file}`)) as Form;
      expect(form.name).toMatch(/\w/);
      expect(form.description).toMatch(/\w/);
      const fields = form.body.filter(({ type }) => type !== 'markdown');
      expect(fields.length).toBeGreaterThan(3);
      const ids = fields.map(({ id }) => id ?? '');
      expect(ids.filter((id) => !/^[a-z]+$/.test(id))).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { type, attributes } of fields) {
        expect(attributes.label).toMatch(/\w/);
        // A bare yes or no would be a boolean, which the form does not take.
        if (type === 'dropdown')
          expect(attributes.options?.every((option) => typeof option === 'string')).toBe(true);
      }
    },
  );

  test('there are these two, and nobody goes round them', async () => {
    const files = await readdir(join(packageRoot, '.github/ISSUE_TEMPLATE'));
    expect(files.sort()).toEqual(['bug.yml', 'config.yml', 'feature.yml']);
    expect(parse(await read('.github/ISSUE_TEMPLATE/config.yml'))).toEqual({ blank_issues_enabled: false });
  });
});

test('.nvmrc is the Node.js of the image, which package.json allows', async () => {
  const version = (await read('.nvmrc')).trim();
  const images = [...(await read('Dockerfile')).matchAll(/^FROM node:(\d+)-/gm)].map(([, major]) => major);
  expect(images).toEqual([version, version]);
  const { engines } = JSON.parse(await read('package.json')) as { engines: { node: string } };
  expect(engines.node).toMatch(/^>=\d+\./);
  expect(Number(version)).toBeGreaterThanOrEqual(Number.parseInt(engines.node.slice(2), 10));
});
