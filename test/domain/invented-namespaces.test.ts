import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inventedNamespaces, isInventedNamespace } from '../../domain/reports/invented-namespaces.ts';
import { shareNames } from '../../page/lines.ts';
import { packageRoot } from '../../platform/config/package-root.ts';
import { sourceFiles } from '../../scripts/rooms.mjs';

const functionsFile = 'sql/functions/006_usage_rows.sql';
const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

test('SQL invents the same namespaces', () => {
  const inSql = [
    ...read(functionsFile).matchAll(/function ocp_(\w+)\(\) returns text[^$]*\$\$ select '([^']*)'/g),
  ];
  const named = inSql.map(([, name = '', value]) => [
    name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  expect(Object.fromEntries(named)).toEqual(inventedNamespaces);
});

test('the page calls the pools like their namespaces', () => {
  const others = Object.values(shareNames).filter((name) => !isInventedNamespace(name));
  // The share of platform projects, which are real ones.
  expect(others).toEqual(['Platform']);
});

test('nobody else spells them', () => {
  const statements = readdirSync(join(packageRoot, 'sql'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sql'))
    .map((name) => `sql/${name}`);
  const spelled = new RegExp(`'(?:${Object.values(inventedNamespaces).join('|')})'`);
  const found = [...sourceFiles(), ...statements].filter((path) => spelled.test(read(path)));
  expect(found.sort()).toEqual(['domain/reports/invented-namespaces.ts', 'page/lines.ts', functionsFile]);
});
