import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, inject, test } from 'vitest';
import { createTestPipeline, testEnvironment } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { program, startProgramProcess } from '../support/program-process.ts';
import type { ProgramProcess } from '../support/program-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { coreHours, dropFolder, filesBelow, podPayload } from './dropping.ts';

let pipeline: TestPipeline;

beforeAll(async () => {
  pipeline = await createTestPipeline();
});

/** Run `ocp-pipeline watch`. @param node arguments of Node itself @param more settings */
function start(
  args: readonly string[],
  node: readonly string[] = [],
  more: Record<string, string> = {},
): ProgramProcess {
  const { database, namespace, config } = pipeline;
  return startProgramProcess([...node, program, 'watch', ...args, '--interval', '50ms'], {
    ...testEnvironment,
    DATABASE_URL: database.url,
    OBJECT_STORE: config.OBJECT_STORE ?? '',
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    ...more,
  });
}

test('killed while runs are in progress, a watcher is followed by one that puts their files away', async () => {
  const { orgId } = pipeline.database;
  await pipeline.addSource('killed');
  const folder = await dropFolder();
  pipeline.workers.stop();
  await pipeline.workers.finished;
  const first = start([folder, '--org', orgId]);
  await writeFile(join(folder, 'a.tar.gz'), await podPayload('killed', 1));
  await writeFile(join(folder, 'b.tar.gz'), await podPayload('killed', 3));
  await first.hasSaid('b.tar.gz: downloading');
  await first.kill();
  expect(await filesBelow(folder)).toEqual(['processing/a.tar.gz', 'processing/b.tar.gz']);
  // One run ends while nobody watches.
  await pipeline.restartWorkers({});
  const second = start([folder, '--org', orgId, '--json']);
  await waitUntil(
    async () => (await filesBelow(folder)).filter((name) => name.startsWith('done/')).length === 4,
  );
  second.signal('SIGTERM');
  expect(await second.ended).toBe(0);
  const events = second
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; file?: string; outcome?: string });
  expect(events.filter(({ event }) => event === 'taken')).toEqual([]);
  const ends = events.filter(({ event }) => event === 'ended');
  expect(ends.map(({ file, outcome }) => `${file} ${outcome}`).sort()).toEqual([
    'a.tar.gz completed',
    'b.tar.gz completed',
  ]);
  expect(await coreHours(pipeline, 'killed')).toBe(3);
});

test('--once takes what is there, and its exit code tells whether somebody has to look', async () => {
  const { orgId } = pipeline.database;
  await pipeline.addSource('cron');
  const folder = await dropFolder();
  const empty = start([folder, '--org', orgId, '--once']);
  expect(await empty.ended).toBe(0);
  await writeFile(join(folder, 'a.tar.gz'), await podPayload('cron', 2));
  const good = start([folder, '--org', orgId, '--once']);
  expect(await good.ended).toBe(0);
  expect(good.output()).toContain('a.tar.gz: Ingested: manifest ');
  await writeFile(join(folder, 'b.tar.gz'), 'no archive');
  const bad = start([folder, '--org', orgId, '--once']);
  expect(await bad.ended).toBe(1);
  expect(bad.output()).toContain('b.tar.gz: Not taken (ManifestInvalid): not a gzip-compressed tar archive');
  const missing = start([join(folder, 'nowhere'), '--org', orgId, '--once']);
  expect(await missing.ended).toBe(1);
  expect(missing.output()).toMatch(/nowhere: no such folder; create it, or correct the path \(ENOENT\)\n$/);
});

/** Root may read everything: the watcher then runs as nobody. */
const asNobody =
  process.getuid?.() === 0
    ? ['--import', 'data:text/javascript,process.setgid(65534);process.setuid(65534)']
    : [];

test('a file that may not be read stays where it is; a folder that may not be written to is an error', async () => {
  const { orgId } = pipeline.database;
  const folder = await dropFolder();
  await chmod(folder, 0o777);
  await writeFile(join(folder, 'mine.tar.gz'), await podPayload('nobody', 1), { mode: 0 });
  const own = { HOME: folder, OBJECT_STORE: pathToFileURL(join(folder, '.objects')).href };
  const watcher = start([folder, '--org', orgId, '--once'], asNobody, own);
  expect(await watcher.ended).toBe(1);
  expect(watcher.output()).toContain(
    'mine.tar.gz: left where it is: cannot be read (EACCES); give the user of this process read permission on it',
  );
  expect(await filesBelow(folder)).toEqual(['mine.tar.gz']);
  const closed = join(folder, 'closed');
  await mkdir(closed, { mode: 0o555 });
  await chmod(closed, 0o555);
  const refused = start([closed, '--org', orgId, '--once'], asNobody, own);
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toContain(
    'no permission; give the user of this process read and write permission on the folder (EACCES)',
  );
});
