import { buffer, text } from 'node:stream/consumers';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ObjectKeyInvalid, ObjectNotFound, checkObjectStore } from '../../../platform/object-store/index.ts';
import type { ListedObject, ObjectStore } from '../../../platform/object-store/index.ts';
import { atEnd } from '../../support/at-end.ts';
import {
  bodyOf,
  bufferBytesInUse,
  digestOf,
  failingBody,
  mebibyte,
  noiseBody,
  stallingBody,
  watched,
} from './bodies.ts';

/** A store under test. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Temporary files, or multipart uploads never completed, that the store holds now. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** More than two parts of a multipart upload. */
const bigByteCount = 20 * mebibyte;

const badKeys = [
  '',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  './a',
  'a\\b',
  'a\0b',
  'a\nb',
  '\ud83d',
  '.incoming/a',
];

/** Everything a listing delivers. */
export async function collect(store: ObjectStore, prefix: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found;
}
const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> =>
  (await collect(store, prefix)).map(({ key }) => key);
const read = async (store: ObjectStore, key: string): Promise<string> => text(await store.get(key));

/** What every object store must do; runs the same tests on each kind. */
export function describeObjectStore(kind: string, open: () => Promise<StoreUnderTest>): void {
  describe(`object store ${kind}`, () => {
    let tested: StoreUnderTest;
    let store: ObjectStore;
    let folder = '';
    let count = 0;

    beforeAll(async () => {
      tested = await open();
      ({ store } = tested);
      atEnd(() => tested.close());
    });
    beforeEach(() => {
      count += 1;
      folder = `contract/${count}`;
    });

    describe('put, get and head', () => {
      test.each([
        ['no bytes', 0],
        ['one byte', 1],
        ['exactly one part', 8 * mebibyte],
        ['one byte more than a part', 8 * mebibyte + 1],
        ['20 MiB', bigByteCount],
      ])('a stream of %s comes back unchanged', async (_, byteCount) => {
        const key = `${folder}/object`;
        const expected = await digestOf(noiseBody(key, byteCount));

        expect(await store.put(key, noiseBody(key, byteCount))).toEqual({ byteCount });

        expect(expected.byteCount).toBe(byteCount);
        expect(await store.head(key)).toEqual({ byteCount });
        expect(await digestOf(await store.get(key))).toEqual(expected);
      });

      test.each([0, 1, bigByteCount])('an array of %i bytes comes back unchanged', async (byteCount) => {
        const bytes = await buffer(noiseBody('array', byteCount));
        expect(await store.put(`${folder}/object`, new Uint8Array(bytes))).toEqual({ byteCount });
        const found = await buffer(await store.get(`${folder}/object`));
        expect(found.equals(bytes)).toBe(true);
      });

      test('memory does not grow with the object', async () => {
        const byteCount = 128 * mebibyte;
        const before = bufferBytesInUse();
        const samples: number[] = [];
        const note = (bytesInUse: number) => samples.push(bytesInUse - before);

        await store.put(`${folder}/object`, watched(bodyOf('m', byteCount), note));
        expect((await digestOf(watched(await store.get(`${folder}/object`), note))).byteCount).toBe(
          byteCount,
        );

        expect(samples).toHaveLength(2 * 32); // every 4 MiB, once up and once down
        // Not the most: V8 frees buffers some time after a collection. Who kept the object would have half of it here.
        const median = samples.sort((one, other) => one - other)[32] ?? 0;
        expect(median).toBeLessThan(40 * mebibyte);
      });

      test('a second put replaces the object, also by a shorter one', async () => {
        await store.put(`${folder}/object`, Buffer.from('the first version'));
        await store.put(`${folder}/object`, Buffer.from('second'));
        expect(await read(store, `${folder}/object`)).toBe('second');
      });

      test('a reader gets one version although the object is replaced meanwhile', async () => {
        const key = `${folder}/object`;
        await store.put(key, bodyOf('a', bigByteCount));
        const reading = (await store.get(key)).iterator({ destroyOnReturn: false });
        const first = (await reading.next()) as { value: Buffer };
        await store.put(key, bodyOf('b', bigByteCount));
        let seen = first.value.length;
        let letters = first.value.every((byte) => byte === 0x61);
        for await (const chunk of reading as AsyncIterable<Buffer>) {
          seen += chunk.length;
          letters &&= chunk.every((byte) => byte === 0x61);
        }
        expect({ seen, letters }).toEqual({ seen: bigByteCount, letters: true });
        expect((await digestOf(await store.get(key))).sha256).toBe(
          (await digestOf(bodyOf('b', bigByteCount))).sha256,
        );
      });

      test('of two writers at once one wins whole', async () => {
        const key = `${folder}/object`;
        await Promise.all([
          store.put(key, bodyOf('a', bigByteCount)),
          store.put(key, bodyOf('b', bigByteCount)),
        ]);
        const found = await digestOf(await store.get(key));
        const candidates = await Promise.all(
          ['a', 'b'].map((letter) => digestOf(bodyOf(letter, bigByteCount))),
        );
        expect(candidates).toContainEqual(found);
        expect(await tested.leftovers()).toEqual([]);
      });

      test.each([
        'é/ü/日本語/🙂.csv',
        'a b+c%20d&e=f?g#h\'i"j(k)*!~@:;,$[]{}^|`<>',
        'source=0a/month=07/pod_usage.2026-07-01.csv',
        `${'k'.repeat(255)}/${'k'.repeat(250)}`,
        '.hidden',
        'a..b/c.',
      ])('key %s is kept as it is', async (name) => {
        const key = `${folder}/${name}`;
        await store.put(key, Buffer.from(name));
        expect(await read(store, key)).toBe(name);
        expect(await keysOf(store, `${folder}/`)).toEqual([key]);
        await store.delete(key);
        expect(await store.head(key)).toBeUndefined();
      });
    });

    describe('what is not there', () => {
      test('getting a missing object throws ObjectNotFound with its key', async () => {
        const key = `${folder}/missing`;
        const failure = await store.get(key).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(ObjectNotFound);
        expect(failure).toMatchObject({ key, type: 'ObjectMissing', retryable: false });
        expect(await store.head(key)).toBeUndefined();
      });

      test('a folder is not an object, and below an object there is none', async () => {
        await store.put(`${folder}/a/b`, Buffer.from('x'));
        for (const key of [`${folder}/a`, `${folder}/a/b/c`]) {
          await expect(store.get(key)).rejects.toBeInstanceOf(ObjectNotFound);
          expect(await store.head(key)).toBeUndefined();
          await store.delete(key);
        }
        expect(await read(store, `${folder}/a/b`)).toBe('x');
      });

      test('deleting twice is fine and leaves the neighbours', async () => {
        await store.put(`${folder}/a`, Buffer.from('a'));
        await store.put(`${folder}/b`, Buffer.from('b'));
        await store.delete(`${folder}/a`);
        await store.delete(`${folder}/a`);
        expect(await keysOf(store, folder)).toEqual([`${folder}/b`]);
      });

      test('writers and removers of one folder do not disturb each other', async () => {
        const rounds = Array.from({ length: 40 }, (_, round) => `${folder}/deep/er/${round}`);
        await Promise.all(
          rounds.map(async (key) => {
            await store.put(key, Buffer.from(key));
            await store.delete(key);
          }),
        );
        expect(await keysOf(store, folder)).toEqual([]);
      });
    });

    describe('uploads that do not finish', () => {
      const old = 'the version before';

      test.each([
        ['a small body', 64 * 1024],
        ['a body of several parts', bigByteCount],
      ])('aborting %s keeps the old object and leaves nothing', async (_, byteCount) => {
        const key = `${folder}/object`;
        await store.put(key, Buffer.from(old));
        const controller = new AbortController();
        const reason = new Error('the activity was cancelled');
        const { body, reached } = stallingBody('c', byteCount);
        const uploading = store.put(key, body, { signal: controller.signal });
        await reached;
        controller.abort(reason);

        await expect(uploading).rejects.toBe(reason);

        expect(body.destroyed).toBe(true);
        expect(await read(store, key)).toBe(old);
        expect(await tested.leftovers()).toEqual([]);
      });

      test('a signal aborted before the start writes nothing', async () => {
        const reason = new Error('too late');
        const body = bodyOf('d', 100);
        const signal = AbortSignal.abort(reason);
        await expect(store.put(`${folder}/object`, body, { signal })).rejects.toBe(reason);
        expect(body.destroyed).toBe(true);
        expect(await store.head(`${folder}/object`)).toBeUndefined();
      });

      test.each([
        ['at once', 0],
        ['after a few bytes', 64 * 1024],
        ['after several parts', bigByteCount],
      ])('a body that fails %s keeps the old object and its error', async (_, byteCount) => {
        const key = `${folder}/object`;
        await store.put(key, Buffer.from(old));
        const reason = new Error('the archive is broken');

        await expect(store.put(key, failingBody(byteCount, reason))).rejects.toBe(reason);
        await expect(store.put(`${folder}/new`, failingBody(byteCount, reason))).rejects.toBe(reason);

        expect(await read(store, key)).toBe(old);
        expect(await store.head(`${folder}/new`)).toBeUndefined();
        expect(await tested.leftovers()).toEqual([]);
      });

      test('a body that somebody destroys is not taken for a whole one', async () => {
        const { body, reached } = stallingBody('e', 64 * 1024);
        const uploading = store.put(`${folder}/object`, body);
        const settled = expect(uploading).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
        await reached;
        body.destroy();
        await settled;
        expect(await store.head(`${folder}/object`)).toBeUndefined();
        expect(await tested.leftovers()).toEqual([]);
      });

      test('aborting a read ends the stream with the reason', async () => {
        const key = `${folder}/object`;
        await store.put(key, bodyOf('r', bigByteCount));
        const controller = new AbortController();
        const reason = new Error('the reader was cancelled');
        const stream = await store.get(key, { signal: controller.signal });
        const reading = (async () => {
          for await (const chunk of stream as AsyncIterable<Buffer>)
            if (chunk.length > 0) controller.abort(reason);
        })();
        await expect(reading).rejects.toBe(reason);
        await expect(store.get(key, { signal: controller.signal })).rejects.toBe(reason);
      });
    });

    describe('list', () => {
      test('more objects than one page holds, in the order of their bytes, with sizes and times', async () => {
        const names = Array.from({ length: 1100 }, (_, number) => `n${number % 7}/${number}`);
        // The store's own clock, which need not be this process's.
        await store.put(`${folder}-started`, Buffer.from('x'));
        const [started] = await collect(store, `${folder}-started`);
        const queue = names.values();
        await Promise.all(
          Array.from({ length: 16 }, async () => {
            for (const name of queue) await store.put(`${folder}/${name}`, Buffer.from(name));
          }),
        );
        await store.put(`${folder}-ended`, Buffer.from('x'));
        const [ended] = await collect(store, `${folder}-ended`);
        const found = await collect(store, `${folder}/`);
        expect(found.map(({ key }) => key)).toEqual(names.map((name) => `${folder}/${name}`).sort());
        for (const { key, byteCount, lastModified } of found) {
          expect(byteCount).toBe(key.length - folder.length - 1);
          expect(lastModified.getTime()).toBeGreaterThanOrEqual(started?.lastModified.getTime() ?? NaN);
          expect(lastModified.getTime()).toBeLessThanOrEqual(ended?.lastModified.getTime() ?? NaN);
        }
      });

      test('a prefix is the beginning of a key, not a folder', async () => {
        const names = ['a-b', 'a/b/c', 'a/bc', 'a/d', 'aa', 'é', '🙂', '\uff5e'];
        for (const name of names) await store.put(`${folder}/${name}`, Buffer.from('x'));
        const under = async (prefix: string): Promise<string[]> =>
          (await keysOf(store, `${folder}/${prefix}`)).map((key) => key.slice(folder.length + 1));
        expect(await under('a')).toEqual(['a-b', 'a/b/c', 'a/bc', 'a/d', 'aa']);
        expect(await under('a/')).toEqual(['a/b/c', 'a/bc', 'a/d']);
        expect(await under('a/b')).toEqual(['a/b/c', 'a/bc']);
        expect(await under('a/b/')).toEqual(['a/b/c']);
        expect(await under('z')).toEqual([]);
        // UTF-8 order differs from JavaScript's: U+FF5E comes before U+1F642.
        expect(await under('')).toEqual(['a-b', 'a/b/c', 'a/bc', 'a/d', 'aa', 'é', '\uff5e', '🙂']);
        expect(await keysOf(store, '')).toEqual(
          expect.arrayContaining(names.map((name) => `${folder}/${name}`)),
        );
      });
    });

    test('a folder lists what lies directly in it, and the folders in it', async () => {
      for (const name of ['f/a', 'f/b/c', 'f/b/d/e', 'f/z', 'fg'])
        await store.put(`${folder}/${name}`, Buffer.from('x'));
      const { objects, folders } = await store.listFolder(`${folder}/f/`);
      expect(objects.map(({ key }) => key)).toEqual([`${folder}/f/a`, `${folder}/f/z`]);
      expect(objects.map(({ byteCount }) => byteCount)).toEqual([1, 1]);
      expect(folders).toEqual(['b']);
      expect((await store.listFolder('')).folders).toContain(folder.split('/')[0]);
      expect(await store.listFolder(`${folder}/none/`)).toEqual({ objects: [], folders: [] });
      await expect(store.listFolder('a/../')).rejects.toBeInstanceOf(ObjectKeyInvalid);
    });

    test.each<[string, string]>([
      ['with a name of 256 bytes', 'k'.repeat(256)],
      ['of 1025 bytes', 'k/'.repeat(512) + 'k'],
      ...badKeys.map((key): [string, string] => [JSON.stringify(key), key]),
    ])('the key %s is refused by every method', async (_, key) => {
      const body = bodyOf('x', 10);
      await expect(store.put(key, body)).rejects.toBeInstanceOf(ObjectKeyInvalid);
      expect(body.destroyed).toBe(true);
      await expect(store.get(key)).rejects.toBeInstanceOf(ObjectKeyInvalid);
      await expect(store.head(key)).rejects.toBeInstanceOf(ObjectKeyInvalid);
      await expect(store.delete(key)).rejects.toBeInstanceOf(ObjectKeyInvalid);
    });

    test.each(['/', '../../', 'a//', '/a', 'a/../', '.incoming/'])(
      'the prefix %j is refused',
      async (prefix) => {
        await expect(keysOf(store, prefix)).rejects.toBeInstanceOf(ObjectKeyInvalid);
      },
    );

    test('the check of a store that works leaves no probe', async () => {
      await store.assertUsable();
      expect(await checkObjectStore(store)).toEqual({ ok: true, location: store.location });
      expect(await keysOf(store, 'probe/')).toEqual([]);
    });
  });
}
