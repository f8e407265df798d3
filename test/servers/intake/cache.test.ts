import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { checkCache, forgetAnswers } from '../../../platform/cache/api-cache.ts';
import { loadConfig } from '../../../platform/config/config.ts';
import { podPayload } from '../../intake/dropping.ts';
import { createArchiveFolder } from '../../support/archives.ts';
import { atEnd } from '../../support/at-end.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { startRedis } from '../redis.ts';
import type { RedisServer } from '../redis.ts';

let redis: RedisServer;
let url: string;
let pipeline: TestPipeline;
/** schema of the tenant of the tests */
let schema: string;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ocp-cache-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  redis = await startRedis(directory);
  atEnd(() => redis.stop());
  url = `redis://:${redis.password}@127.0.0.1:${redis.port}/1`;
  pipeline = await createTestPipeline({ CACHE_URL: url });
  ({ schema } = pipeline.database);
});

/** Answers about our tenant, and others that have to stay. */
async function fill(more = 0): Promise<{ stay: string[]; left: () => Promise<string[]> }> {
  const client = redis.client(1);
  atEnd(() => {
    client.disconnect();
  });
  await client.flushall();
  const ours = [
    `:1:views.decorators.cache.cache_page.${schema}:openshift-view.GET.0a1b.en-us.UTC`,
    `:1:views.decorators.cache.cache_header.${schema}:openshift-view.0a1b.en-us.UTC`,
    schema,
    ...Array.from({ length: more }, (_, number) => `:1:page.${schema}:${number}`),
  ];
  const stay = [`:1:page.${schema}7:x`, ':1:page.org99:x', 'sources:1', `:1:page.x${schema}:y`];
  for (const key of [...ours, ...stay]) await client.set(key, 'answer');
  return { stay: [...stay].sort(), left: async () => (await client.keys('*')).sort() };
}

async function ingest(clusterId: string): Promise<string> {
  await pipeline.addSource(clusterId);
  const folder = await createArchiveFolder();
  return (await pipeline.ingest(await folder.write(await podPayload(clusterId, 2)))).outcome;
}

test('after a run the answers about its tenant are gone, and those of others and of other databases stay', async () => {
  const { stay, left } = await fill();
  const other = redis.client(0);
  await other.set(`queue:${schema}:x`, 'task');
  expect(await ingest('cached')).toBe('completed');
  expect(await left()).toEqual(stay);
  expect(await other.exists(`queue:${schema}:x`)).toBe(1);
  other.disconnect();
});

test('thousands of keys are deleted in steps', async () => {
  const { stay, left } = await fill(5_000);
  expect(await forgetAnswers({ CACHE_URL: url }, schema)).toEqual({ outcome: 'deleted', keyCount: 5_003 });
  expect(await left()).toEqual(stay);
});

test('a cache that is away, refuses the password or hangs costs no run, and no message has the password', async () => {
  await fill();
  const wrong = url.replace(redis.password, 'wrong-password');
  const refused = await checkCache(wrong);
  expect(refused).toEqual({ problem: expect.stringContaining('WRONGPASS') as string });
  expect(JSON.stringify(refused)).not.toContain('wrong-password');
  expect(await checkCache(url)).toEqual({ keyCount: 7 });
  redis.pause();
  expect(await forgetAnswers({ CACHE_URL: url }, schema)).toMatchObject({ outcome: 'failed' });
  await redis.kill();
  expect(await forgetAnswers({ CACHE_URL: url }, schema)).toEqual({
    outcome: 'failed',
    problem: expect.stringContaining('ECONNREFUSED') as string,
  });
  expect(await ingest('without-cache')).toBe('completed');
});

test.each(['http://cache:6379/1', 'redis://cache:6379', 'redis://:hunter2@cache:6379/x'])(
  'the setting %s is refused without being repeated',
  (wrong) => {
    const loading = () => loadConfig({ CACHE_URL: wrong });
    expect(loading).toThrow(/CACHE_URL: expected .*found an invalid value/);
    expect(loading).not.toThrow(/hunter2/);
  },
);
