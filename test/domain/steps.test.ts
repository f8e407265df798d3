import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { steps } from '../../domain/run/steps.ts';
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
