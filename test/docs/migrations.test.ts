import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { migrationNames, shippedSources } from '../../platform/migrations/files.ts';

/** Migrations up to this number were there before the marker; applied migrations never change. */
const lastUnmarked = 29;

/** What workers of the version before cannot go on beside, once comments are taken away. */
const breakingStatements =
  /\bdrop\s+(?:table|column|view|schema)\b|\brename\s+(?:to|column|constraint|\w+\s+to)\b|\balter\s+column\s+"?\w+"?\s+(?:set\s+data\s+)?type\b|\balter\s+table\b[^;]*\bset\s+schema\b/i;

/** A line of the header, which ends where the first statement begins. */
const marker = /^(?:(?:--.*)?\n)*-- Breaking: .*\w/;

const isBreaking = (sql: string) => breakingStatements.test(sql.replaceAll(/--.*$/gm, ''));
const isMarked = (sql: string) => marker.test(sql);

const folders = [shippedSources.publicMigrations, shippedSources.tenantMigrations];
const migrations = folders.flatMap((folder) => migrationNames(folder).map((name) => ({ folder, name })));

test.for(migrations)(
  '$name says so in its header when it breaks workers of before',
  async ({ folder, name }) => {
    const sql = await readFile(join(folder, `${name}.sql`), 'utf8');
    if (Number.parseInt(name, 10) > lastUnmarked) expect(isBreaking(sql) && !isMarked(sql)).toBe(false);
    const changelog = await readFile(join(packageRoot, 'CHANGELOG.md'), 'utf8');
    if (isMarked(sql)) expect(changelog, 'what operators must do').toContain(`${name}.sql`);
  },
);

test.for([
  'drop table if exists ocp_label_days;',
  'alter table ocp_piece drop column generation;',
  'alter table ocp_piece\n    add column a text,\n    drop column if exists b;',
  'alter table ocp_piece rename column a to b;',
  'alter table ocp_piece rename a to b;',
  'ALTER TABLE ocp_piece RENAME TO ocp_part;',
  'alter table ocp_piece alter column a type bigint;',
  'alter table ocp_piece alter column "a" set data type bigint;',
  'alter table ocp_piece set schema other;',
])('%s breaks them', (sql) => {
  expect(isBreaking(sql)).toBe(true);
});

test.for([
  'alter table ocp_piece add column if not exists a text;',
  'drop index if exists ocp_piece_idx;',
  'alter table ocp_piece drop constraint if exists a;',
  'alter table ocp_piece alter column a drop not null;',
  '-- Instead of: drop table ocp_piece\ncreate table if not exists ocp_part (type text);',
  'create or replace function a() returns void language sql as $$ $$;',
])('%s does not', (sql) => {
  expect(isBreaking(sql)).toBe(false);
});

test('the marker is a line of the header with a reason', () => {
  expect(isMarked('-- Up Migration\n-- Breaking: stop all workers first.\n\ndrop table a;')).toBe(true);
  expect(isMarked('-- Up Migration\n-- Why.\n\n-- Breaking: stop all workers first.\ndrop table a;')).toBe(
    true,
  );
  expect(isMarked('-- Up Migration\n-- Breaking:\ndrop table a;')).toBe(false);
  expect(isMarked('drop table a;\n-- Breaking: stop all workers first.\n')).toBe(false);
});
