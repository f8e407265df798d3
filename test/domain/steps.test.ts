import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stepNamed, steps } from '../../domain/run/steps.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { packageRoot } from '../../platform/config/package-root.ts';

test('a step takes back only columns of steps that come later', () => {
  for (const [index, step] of steps.entries()) {
    const later = steps.slice(index + 1).map(({ column }) => column);
    for (const column of step.takesBack) expect(later, step.name).toContain(column);
  }
});

test('every column of the day ledger that a step notes is that of one step', () => {
  const columns = steps.flatMap(({ column }) => (column === null ? [] : [column]));
  expect(new Set(columns).size).toBe(columns.length);
});

test('the architecture page tells the steps in their order', () => {
  const page = readFileSync(join(packageRoot, 'docs', 'architecture.md'), 'utf8');
  const told = [...page.matchAll(/^\| \d+ \| `(\w+)` \|/gm)].map(([, activity]) => activity);
  const activities: readonly string[] = steps.map(({ activity }) => activity);
  expect(told.filter((activity) => activities.includes(activity ?? ''))).toEqual(activities);
});

test('the watch of settings compares those of every step that owns some', () => {
  const text = loadSql('summary/daily/changed_settings.sql');
  for (const { settings } of steps) {
    if (settings === null) continue;
    expect(text).toContain(`${settings.hash}(`);
    expect(text).toContain(`ocp_day.${settings.column}`);
  }
});

/** Statements that tell by themselves whether a step is behind, and of which. */
const tellBehind = {
  'costs/cost_months.sql': 'costs',
  'focus/days.sql': 'costs',
  'summary/validate/days_behind.sql': 'validate',
} as const;

test('statements that tell whether a step is behind ask for all that makes it so', () => {
  for (const [file, name] of Object.entries(tellBehind)) {
    const { column, settings } = stepNamed(name);
    const text = loadSql(file);
    expect(text, file).toMatch(
      new RegExp(`\\b${String(column)} is (not )?distinct from (day\\.)?version\\b`),
    );
    if (settings === null) continue;
    expect(text, file).toContain(`${settings.hash}(`);
    expect(text, file).toContain(`day.${settings.column}`);
  }
});

test('no other statement tells whether a step is behind', () => {
  const folder = join(packageRoot, 'sql');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.sql'),
  );
  const columns = steps.flatMap(({ column }) => (column === null ? [] : [column]));
  const telling = files.filter((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return columns.some((column) => text.includes(column));
  });
  expect(telling.sort()).toEqual(Object.keys(tellBehind));
});
