import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  blockedRunsQuery,
  searchAttributeNames,
  searchAttributeTypes,
} from '../../domain/run/search-attributes.ts';
import { packageRoot } from '../../platform/config/package-root.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';

/** A page of the documentation, each run of spaces and line ends as one space. */
function page(name: string): string {
  return readFileSync(join(packageRoot, 'docs', name), 'utf8').replaceAll(/\s+/g, ' ');
}

/** The list as the documentation words it: names of one type, then the type. */
function inWords(): string {
  const types = [...new Set(Object.values(searchAttributeTypes))];
  return types
    .map((type) => {
      const names = searchAttributeNames.filter((name) => searchAttributeTypes[name] === type);
      return `${names.map((name) => `\`${name}\``).join(', ')} of type ${type}`;
    })
    .join(', ');
}

test.each(['operations.md', 'temporal.md'])('docs/%s names the search attributes and their types', (name) => {
  expect(page(name)).toContain(inWords());
});

test.each(['operations.md', 'metrics.md'])('docs/%s has the query for blocked runs', (name) => {
  expect(page(name)).toContain(blockedRunsQuery);
});

test('workflows set them under their names, with their types', () => {
  expect(Object.values(searchAttributes).map(({ name, type }) => [name, type])).toEqual([
    ['OrgId', 'KEYWORD'],
    ['ClusterId', 'KEYWORD'],
    ['BillingMonth', 'KEYWORD'],
    ['PipelineState', 'KEYWORD'],
    ['ManifestDate', 'DATETIME'],
  ]);
  expect(searchAttributes.manifestDate.name).toBe('ManifestDate');
});
