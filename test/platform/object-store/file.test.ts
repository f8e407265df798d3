import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ObjectStoreError, checkObjectStore, openObjectStore } from '../../../platform/object-store/index.ts';
import type { ObjectStore } from '../../../platform/object-store/index.ts';
import { collect, describeObjectStore } from './contract.ts';

const makeDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'ocp-object-store-'));
const openDirectory = (directory: string): ObjectStore =>
  openObjectStore({ url: pathToFileURL(directory).href });

describeObjectStore('file://', async () => {
  const directory = await makeDirectory();
  return {
    store: openDirectory(join(directory, 'not', 'there yet')),
    leftovers: () => readdir(join(directory, 'not', 'there yet', '.incoming')),
    close: () => rm(directory, { recursive: true }),
  };
});

let directory = '';
beforeEach(async () => {
  directory = await makeDirectory();
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function leave(name: string, ageHours: number): Promise<void> {
  const path = join(directory, '.incoming', name);
  await mkdir(join(directory, '.incoming'), { recursive: true });
  await writeFile(path, 'half an object');
  const { mtimeMs } = await stat(path);
  const then = new Date(mtimeMs - ageHours * 3_600_000);
  await utimes(path, then, then);
}
const incoming = (): Promise<string[]> => readdir(join(directory, '.incoming'));

test('what a killed process left is removed after an hour by a listing, and never listed', async () => {
  await leave('old', 1.1);
  await leave('recent', 0.9);
  expect(await collect(openDirectory(directory), '')).toEqual([]);
  expect(await incoming()).toEqual(['recent']);
});

test('the first write of a process removes it too', async () => {
  await leave('old', 1.1);
  await leave('recent', 0.9);
  await openDirectory(directory).put('a', Buffer.from('a'));
  expect(await incoming()).toEqual(['recent']);
});

test('a run that looks for its own leftovers removes those of runs that were terminated', async () => {
  await leave('of-a-terminated-run', 1.1);
  await leave('being-written', 0.9);
  await openDirectory(directory).removeTemporary('manifest:another:run');
  expect(await incoming()).toEqual(['being-written']);
});

test('deleting the last object of a folder removes the folder, but never the directory itself', async () => {
  const store = openDirectory(directory);
  await store.put('year=2026/month=07/a', Buffer.from('a'));
  await store.put('year=2026/b', Buffer.from('b'));
  await store.delete('year=2026/month=07/a');
  expect(await readdir(join(directory, 'year=2026'))).toEqual(['b']);
  await store.delete('year=2026/b');
  expect(await readdir(directory)).toEqual(['.incoming']);
});

test('a key below an object, or above one, is refused with the reason', async () => {
  const store = openDirectory(directory);
  await store.put('a/b', Buffer.from('ab'));
  for (const key of ['a', 'a/b/c']) {
    const failure = await store.put(key, Buffer.from('x')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ObjectStoreError);
    expect(String(failure)).toContain(`writing ${key} failed`);
    expect(String(failure)).toContain('either an object or a folder');
  }
  expect(await incoming()).toEqual([]);
});

test('an unusable directory is an error that names it, and the check says which step failed', async () => {
  await writeFile(join(directory, 'file'), '');
  const store = openDirectory(join(directory, 'file'));
  const failure = await store.put('a', Buffer.from('a')).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ObjectStoreError);
  expect((failure as Error).message).toContain(store.location);
  expect((failure as Error).cause).toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) as string });
  await expect(store.assertUsable()).rejects.toThrow(store.location);
  await expect(openDirectory(join(directory, 'file', 'below')).assertUsable()).rejects.toThrow('ENOTDIR');
  expect(await checkObjectStore(store)).toMatchObject({
    ok: false,
    failedStep: 'write',
    location: store.location,
  });
});

test('a location with unusual characters is one directory', async () => {
  const store = openDirectory(join(directory, 'données #1 50%'));
  await store.put('a', Buffer.from('a'));
  expect(await readdir(join(directory, 'données #1 50%'))).toEqual(['.incoming', 'a']);
});

test.each([
  'relative/directory',
  'file://server/share',
  'http://127.0.0.1/bucket',
  's3://',
  's3://bucket/%2e%2e%2fother',
  's3://bucket/%zz',
  's3://bucket/a//b',
  's3://bucket/prefix?versionId=secret-words',
  's3://bucket:9000/prefix',
  's3://key:secret-words@bucket/prefix',
])('the address %s is refused and not repeated', (url) => {
  let message = '';
  try {
    openObjectStore({ url });
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatch(/^Object store (address|prefix) .*(OBJECT_STORE|AWS_ACCESS_KEY_ID)/);
  expect(message).not.toContain('secret-words');
});

test.each([
  ['s3://bucket', 's3://bucket'],
  ['s3://bucket/', 's3://bucket'],
  ['s3://bucket/koku/ocp/', 's3://bucket/koku/ocp'],
])('the address %s opens %s', (url, location) => {
  expect(openObjectStore({ url, s3: { region: 'eu-west-1' } }).location).toBe(location);
});

test('the location of an S3 server has its address but no credentials', () => {
  const endpoint = 'http://name:secret-words@127.0.0.1:7070/?token=secret-words';
  const { location } = openObjectStore({ url: 's3://bucket/p', s3: { endpoint, region: 'us-east-1' } });
  expect(location).toBe('s3://bucket/p at http://127.0.0.1:7070');
});
