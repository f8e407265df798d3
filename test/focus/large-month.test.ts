import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { fillCostedMonth } from '../../bench/scenarios/costed-month.ts';
import { billingMonth } from '../../domain/time/usage-day.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { startProgram } from '../support/command-line.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/wait-until.ts';
import { scratchDirectory } from './exported.ts';

/* A month of 31 days with 110 rows of pods each, of which the cost model makes about 45,000 lines. */
const minLines = 40_000;
/** Enough for the program and what it works on at a time; all lines at once take twice as much. */
const maxHeapMegabytes = { csv: 60, parquet: 110 };

let database: TestDatabase;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = await scratchDirectory();
  const { pool, url, orgId, schema } = database;
  const { sourceUuid } = await registerSource(
    { pool, databaseUrl: url, log: { info: () => undefined } },
    { orgId, clusterId: 'large', name: 'large' },
  );
  const month = billingMonth('2026-10');
  await fillCostedMonth(pool, { schema, sourceUuid, clusterId: 'large', month, rowsPerDay: 110 });
});

const start = (path: string, environment: Record<string, string> = {}) =>
  startProgram(['export', 'focus', '--org', database.orgId, '--month', '2026-10', '-o', path, '--json'], {
    DATABASE_URL: database.url,
    OCP_NOW: '2026-11-28T12:00:00Z',
    ...environment,
  });

test.each(['csv', 'parquet'] as const)('its lines pass through a small memory to %s', async (format) => {
  const path = join(directory, `passed.${format}`);
  const limited = { NODE_OPTIONS: `--max-old-space-size=${maxHeapMegabytes[format]}` };
  const { code, stdout, stderr } = await start(path, limited).ended;
  expect(code, stderr).toBe(0);
  expect((JSON.parse(stdout) as { rows: number }).rows).toBeGreaterThan(minLines);
  // One for each tenth of the days.
  expect(stderr.match(/^\d+ of 31 days of clusters, [\d,]+ lines$/gm)).toHaveLength(10);
});

test.each([
  ['SIGKILL', 'csv', null],
  ['SIGKILL', 'parquet', null],
  ['SIGTERM', 'csv', 130],
] as const)('%s while it writes %s leaves the file of before', async (signal, format, exitCode) => {
  const path = join(directory, `${signal}.${format}`);
  await writeFile(path, 'of before');
  await writeFile(`${path}.meta.json`, '{}');
  const { child, ended } = start(path);
  const unfinished = async () =>
    (await readdir(directory)).filter((name) => name.startsWith(`.${signal}.${format}.`));
  await waitUntil(async () => {
    const [name] = await unfinished();
    return name !== undefined && (await stat(join(directory, name))).size > 100_000;
  });
  child.kill(signal);
  expect((await ended).code).toBe(exitCode);
  expect(await readFile(path, 'utf8')).toBe('of before');
  expect(await readFile(`${path}.meta.json`, 'utf8')).toBe('{}');
  // Only who is not asked cannot put away what it had begun.
  expect(await unfinished()).toHaveLength(signal === 'SIGKILL' ? 1 : 0);
});
