import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { sourceFiles } from '../../scripts/rooms.mjs';

const maxLength = 120;

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));
}

const tooLong = (paths: readonly string[], counts: (line: string) => boolean) =>
  paths.flatMap((path) =>
    // Fenced code is not wrapped; its lines stay counted.
    readFileSync(join(packageRoot, path), 'utf8')
      .replaceAll(/^```[^]*?^```/gm, (code) => '\n'.repeat(code.split('\n').length - 1))
      .split('\n')
      .flatMap((line, index) => (line.length > maxLength && counts(line) ? [`${path}:${index + 1}`] : [])),
  );

test('comments have lines of at most 120 characters', () => {
  const files = [...sourceFiles(), ...filesBelow('test', '.ts'), ...filesBelow('bench', '.ts')];
  expect(
    tooLong([...files, ...filesBelow('sql', '.sql')], (line) => /^\s*(\/\/|\/?\*|--)/.test(line)),
  ).toEqual([]);
});

test('prose has lines of at most 120 characters', () => {
  const generated = new Set(['docs/data-dictionary.md', 'docs/performance.md']);
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...filesBelow('docs', '.md')];
  // Nor are tables and lines of code alone.
  const isProse = (line: string) => !/^(\||\s{4}|\s*- `ocp-pipeline|`[^`]*`[.,:;]?$)/.test(line);
  expect(
    tooLong(
      pages.filter((page) => !generated.has(page)),
      isProse,
    ),
  ).toEqual([]);
});
