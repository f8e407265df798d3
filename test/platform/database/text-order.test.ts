import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../platform/config/package-root.ts';
import { createTestDatabase } from '../../support/database.ts';

/*
 * The greatest of some texts must not depend on the collation of the database: Trino compares bytes, and a customer's
 * tables stay the same when they move to another server.
 */
const sqlRoot = join(packageRoot, 'sql');

interface Aggregate {
  place: string;
  argument: string;
}

/** Every `max(…)` and `min(…)` of a file. */
function greatestOf(file: string): Aggregate[] {
  const text = readFileSync(join(sqlRoot, file), 'utf8').replaceAll(/--.*/g, '');
  return [...text.matchAll(/\b(?:max|min)\(/g)].map(({ index, 0: { length } }) => {
    let depth = 1;
    let end = index + length;
    for (; depth > 0 && end < text.length; end += 1)
      depth += text[end] === '(' ? 1 : text[end] === ')' ? -1 : 0;
    const line = text.slice(0, index).split('\n').length;
    return { place: `${file}:${line}`, argument: text.slice(index + length, end - 1) };
  });
}

test('the greatest of texts is the greatest by bytes', async () => {
  const { pool, schema } = await createTestDatabase();
  const { rows } = await pool.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_schema = $1
     group by column_name having bool_and(data_type in ('text', 'character varying'))`,
    [schema],
  );
  const texts = new Set(rows.map(({ name }) => name));
  expect(texts).toContain('resource_id');
  const files = readdirSync(sqlRoot, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.sql') && !name.startsWith('engines/trino/'),
  );
  const ofText = files
    .flatMap(greatestOf)
    .filter(({ argument }) => argument.match(/\w+/g)?.some((word) => texts.has(word)));
  expect(ofText.length).toBeGreaterThan(0);
  const byCollation = ofText.filter(({ argument }) => !argument.includes('collate "C"'));
  expect(byCollation).toEqual([]);
});
