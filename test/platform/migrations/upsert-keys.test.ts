import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../platform/config/package-root.ts';
import { publicColumns, tenantColumns } from '../../../platform/migrations/schema-columns.ts';
import { publicKeys, tenantKeys } from '../../../platform/migrations/schema-keys.ts';

/** Where code that writes to PostgreSQL may stand. */
const rooms = [
  'platform',
  'payload',
  'reports',
  'summary',
  'engines',
  'costs',
  'retention',
  'intake',
  'activities',
];

/** Every `insert into TABLE … on conflict (COLUMNS)` of the program, as `table (a, b)` with its columns in order. */
function upserts(): string[] {
  const found: string[] = [];
  for (const folder of ['sql', 'migrations', ...rooms])
    for (const entry of readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })) {
      if (!/\.(sql|ts)$/.test(entry.name)) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      for (const conflict of text.matchAll(/on conflict \(([\w, ]+)\)/g)) {
        const inserts = [...text.slice(0, conflict.index).matchAll(/insert into (?:public\.)?(\w+)/g)];
        const columns = (conflict[1] ?? '').split(/,\s*/).sort();
        found.push(`${inserts.at(-1)?.[1] ?? '?'} (${columns.join(', ')})`);
      }
    }
  return [...new Set(found)].sort();
}

test('the keys that are looked for are those that upserts into tables of Koku name', () => {
  const ofKoku = { ...publicColumns, ...tenantColumns };
  const listed = Object.entries({ ...publicKeys, ...tenantKeys }).flatMap(([table, keys]) =>
    keys.map((columns) => `${table} (${[...columns].sort().join(', ')})`),
  );
  const named = upserts().filter((key) => Object.hasOwn(ofKoku, key.split(' ')[0] ?? ''));
  expect(named.length).toBeGreaterThan(5);
  expect(listed.sort()).toEqual(named);
});
