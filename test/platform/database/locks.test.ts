import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles } from '../../../scripts/rooms.mjs';
import { packageRoot } from '../../../platform/config/package-root.ts';
import { inTransaction } from '../../../platform/database/database.ts';
import { awaitLock, lockHolder, locks, tryLock } from '../../../platform/database/locks.ts';
import { createTestDatabase } from '../../support/database.ts';

const text = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

test('advisory locks are taken through the list alone', () => {
  const statements = ['sql', 'migrations'].flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.sql'))
      .map((name) => join(folder, name)),
  );
  const found = [...sourceFiles(), ...statements].filter((path) => /advisory_\w*lock/.test(text(path)));
  // A function that people call by hand takes the source's lock as the steps of a run do, by its name.
  const byHand = 'sql/functions/062_by_hand.sql';
  expect(found).toEqual(['platform/database/locks.ts', byHand]);
  expect(text(byHand).match(/hashtextextended\('[^']*'/g)).toEqual([
    `hashtextextended('${locks.source.text}'`,
  ]);
});

test('docs/architecture.md lists them', () => {
  const rows = Object.values(locks).map(
    ({ text: name, of, held, taken }) => `| \`${name}\`… | ${of} | ${taken} | ${held} |`,
  );
  expect(text('docs/architecture.md')).toContain(
    ['| lock | one for each | taken | held |', '|---|---|---|---|', ...rows].join('\n'),
  );
});

test('a lock has the name that other versions know, and is told from others', async () => {
  const { pool, schema } = await createTestDatabase();
  const id = 'b1c0c9a4-1f8e-4f9e-9d0e-5a9d8d2f7e10';
  await inTransaction(pool, async (holder) => {
    expect(await tryLock(holder, 'source', id)).toBe(true);
    await awaitLock(holder, 'tagValues', schema);
    await inTransaction(pool, async (client) => {
      expect(await tryLock(client, 'source', id)).toBe(false);
      expect(await tryLock(client, 'migration', id)).toBe(true);
      expect(await tryLock(client, 'source', schema)).toBe(true);
      const taken = async (name: string) => {
        const { rows } = await client.query<{ free: boolean }>(
          'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free',
          [name],
        );
        return rows[0]?.free === false;
      };
      expect(await taken(`ocp-source:${id}`)).toBe(true);
      expect(await taken(`ocp-tag-values:${schema}`)).toBe(true);
      expect(await taken(`ocp-infrastructure:${id}`)).toBe(false);
      expect(await lockHolder(client, 'source', id)).toMatch(
        /^process \d+ of the server, test at .+, since /,
      );
    });
  });
  await inTransaction(pool, async (client) => {
    expect(await lockHolder(client, 'source', id)).toBe('which has just finished');
    expect(await tryLock(client, 'source', id)).toBe(true);
  });
});
