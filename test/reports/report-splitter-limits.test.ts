import { readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { csvLine } from '../../reports/csv-records.ts';
import { ObjectStoreError, openObjectStore } from '../../platform/object-store/index.ts';
import type { ObjectStore } from '../../platform/object-store/index.ts';
import { waitUntil } from '../support/wait-until.ts';
import { headerOf, keysIn, october, rowOf, split } from './reports.ts';

const kind = 'pod_usage';
let directory: string;
let store: ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'split-limits-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  store = openObjectStore({ url: pathToFileURL(join(directory, 'store')).href });
});

/** A report that is written while it is read; `before` runs before each row, with its number from 1. */
function reportStream(
  rowCount: number,
  before: (row: number) => Promise<void> | void = () => undefined,
): Readable {
  async function* lines(): AsyncGenerator<Buffer> {
    yield Buffer.from(csvLine(headerOf(kind)));
    for (let row = 1; row <= rowCount; row += 1) {
      await before(row);
      const start = october(1 + (row % 5), row % 24);
      yield Buffer.from(csvLine(rowOf(kind, start, { pod: `pod-${row}` })));
    }
  }
  return Readable.from(lines(), { objectMode: false });
}

/** Nothing readable and nothing half-written is left. */
async function expectNothingLeft(): Promise<void> {
  expect(await keysIn(store)).toEqual([]);
  expect(await readdir(join(directory, 'store', '.incoming')).catch(() => [])).toEqual([]);
}

describe('a store that fails', () => {
  test('at the first write leaves nothing and destroys the source', async () => {
    await mkdir(join(directory, 'store'));
    await writeFile(join(directory, 'store', '.incoming'), 'in the way');
    const content = reportStream(50_000);
    await expect(split(store, content)).rejects.toBeInstanceOf(ObjectStoreError);
    expect(content.destroyed).toBe(true);
    expect(await keysIn(store)).toEqual([]);
  });

  test('when the finished object is put into place leaves nothing', async () => {
    await mkdir(join(directory, 'store'));
    // The keys lie below `data`, which is an object itself.
    await writeFile(join(directory, 'store', 'data'), 'in the way');
    await expect(split(store, reportStream(5_000))).rejects.toThrow(/a part of this key is itself an object/);
    expect(await keysIn(store)).toEqual(['data']);
    expect(await readdir(join(directory, 'store', '.incoming'))).toEqual([]);
  });

  test('half way, because its directory goes, leaves nothing', async () => {
    const content = reportStream(20_000, async (row) => {
      if (row !== 10_000) return;
      await waitUntil(
        async () => (await readdir(join(directory, 'store', '.incoming')).catch(() => [])).length > 0,
      );
      await rm(join(directory, 'store'), { recursive: true });
      await writeFile(join(directory, 'store'), 'no directory any more');
    });
    await expect(split(store, content)).rejects.toBeInstanceOf(ObjectStoreError);
    expect(content.destroyed).toBe(true);
    await rm(join(directory, 'store'));
    await expectNothingLeft();
  });

  test('only for the list of rejected rows leaves nothing of the days either', async () => {
    const changes = { rejectsKey: '../outside.csv' };
    const text = `${csvLine(headerOf(kind))}${csvLine(rowOf(kind, october(1)))}bad\n`;
    await expect(
      split(store, `${text}${csvLine(rowOf(kind, october(1))).repeat(20_000)}`, changes),
    ).rejects.toThrow(/cannot be used/);
    await expectNothingLeft();
  });

  test('and works again afterwards gives the whole result when it is tried again', async () => {
    await mkdir(join(directory, 'store'));
    const obstacle = join(directory, 'store', '.incoming');
    await writeFile(obstacle, 'in the way');
    await expect(split(store, reportStream(100))).rejects.toBeInstanceOf(ObjectStoreError);
    await rm(obstacle);
    expect(await split(store, reportStream(100))).toMatchObject({ state: 'split', rowCount: 100 });
    expect(await keysIn(store)).toHaveLength(5);
  });
});

describe('a source that fails', () => {
  test('half way leaves nothing, and its own error comes out', async () => {
    const failure = new Error('connection reset');
    const content = reportStream(20_000, (row) => {
      if (row === 15_000) throw failure;
    });
    await expect(split(store, content)).rejects.toBe(failure);
    await expectNothingLeft();
  });
});

describe('an abort', () => {
  test('half way leaves nothing, and its reason comes out', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const content = reportStream(20_000, (row) => {
      if (row === 15_000) stop.abort(reason);
    });
    const splitting = split(store, content, { signal: stop.signal });
    await expect(splitting).rejects.toThrow();
    await splitting.catch((error: unknown) => {
      expect([error, (error as Error).cause]).toContain(reason);
    });
    expect(content.destroyed).toBe(true);
    await expectNothingLeft();
  });

  test('while the source has stalled ends the splitting', async () => {
    const stop = new AbortController();
    const content = reportStream(100, (row) => {
      if (row < 50) return undefined;
      stop.abort(new Error('cancelled'));
      return new Promise(() => undefined);
    });
    await expect(split(store, content, { signal: stop.signal })).rejects.toThrow();
    await expectNothingLeft();
  });

  test('before the start leaves nothing', async () => {
    await expect(split(store, reportStream(100), { signal: AbortSignal.abort() })).rejects.toThrow();
    await expectNothingLeft();
  });
});

describe('memory', () => {
  test('does not grow with the file: 200 MB keep what 20 MB need', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const keptBytes = () => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return { heap: heapUsed, buffers: arrayBuffers };
    };
    const line = csvLine(
      rowOf(kind, october(1), { pod: 'p'.repeat(253), pod_labels: `label_app:${'v'.repeat(1_700)}` }),
    );
    const rowsPerBlock = 32;
    const totalBytes = 200_000_000;
    const blocks = [1, 2, 3, 4, 5].map((day) =>
      Buffer.from(line.replace('2026-10-01', `2026-10-0${day}`).repeat(rowsPerBlock)),
    );
    const blockBytes = blocks[0]?.length ?? 0;
    const incoming = join(directory, 'store', '.incoming');
    const writtenBytes = () =>
      readdirSync(incoming).reduce((sum, name) => sum + statSync(join(incoming, name)).size, 0);
    let sentBytes = 0;
    const heaps: number[] = [];
    const inFlightBytes: number[] = [];
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from(csvLine(headerOf(kind)));
      for (let i = 0; sentBytes < totalBytes; i += 1) {
        if (sentBytes >= 20_000_000 * (heaps.length + 1)) {
          inFlightBytes.push(sentBytes - writtenBytes());
          // V8 frees buffers some time after a collection, later on a busy machine.
          await waitUntil(() => keptBytes().buffers < 20_000_000);
          heaps.push(keptBytes().heap);
        }
        sentBytes += blockBytes;
        yield blocks[i % 5] ?? Buffer.alloc(0);
      }
    }
    const result = await split(store, Readable.from(content(), { objectMode: false }));
    expect(result.rowCount).toBe((sentBytes / blockBytes) * rowsPerBlock);
    expect(result.pieces.reduce((sum, piece) => sum + piece.byteCount, 0)).toBeGreaterThanOrEqual(totalBytes);
    expect(heaps.length).toBeGreaterThanOrEqual(9);
    // Measured: the heap stays the same within 0.5 MB, 3 MB at most are in flight.
    expect((heaps.at(-1) ?? 0) - (heaps[0] ?? 0)).toBeLessThan(2_000_000);
    // 1 MB per day waits for the store, and as much in the stream behind it; five days are open.
    expect(Math.max(...inFlightBytes)).toBeLessThan(15_000_000);
  });
});
