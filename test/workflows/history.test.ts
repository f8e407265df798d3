import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WorkflowFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createArchiveFolder, packPayload, readPayload, withManifest } from '../support/archives.ts';
import type { ArchiveFolder, Payload } from '../support/archives.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { expectSameTables, snapshotTables } from '../support/tables.ts';

let pipeline: TestPipeline;
let folder: ArchiveFolder;
let payload: Payload;
const server = createServer();
/** what the next requests are answered with; the last one stays */
let answers: (Buffer | number)[] = [];
let requestCount = 0;

beforeAll(async () => {
  pipeline = await createTestPipeline();
  folder = await createArchiveFolder();
  payload = await readPayload('operator-sample');
  server.on('request', (_request, response) => {
    requestCount += 1;
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (Buffer.isBuffer(answer)) response.end(answer);
    else response.writeHead(answer ?? 500).end('no');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const secret = 'X-Amz-Signature=4f1d0c2b';
const addressOf = (name: string) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}?${secret}`;

/** Longest payload that may stand in a history event, bytes. */
const maxPayloadBytes = 10 * 1024;

interface HistoryContents {
  eventCount: number;
  longest: number;
  /** every text and every payload of every event, decoded */
  text: string;
}

async function historyOf(handle: WorkflowHandle): Promise<HistoryContents> {
  const { events } = await handle.fetchHistory();
  const texts: string[] = [];
  let longest = 0;
  const visit = (value: unknown): void => {
    if (value instanceof Uint8Array) {
      longest = Math.max(longest, value.byteLength);
      texts.push(Buffer.from(value).toString('utf8'));
    } else if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) visit(inner);
  };
  visit(events);
  return { eventCount: events?.length ?? 0, longest, text: texts.join('\n') };
}

/** Cells that only a CSV row holds. */
function cellsOf(of: Payload): string[] {
  return ['etcd-operator-576bc857f8-6k7x2', '51.626897', 'label_app', 'pvc-025604dc'].filter((cell) =>
    [...of.files.values()].some((csv) => csv.includes(cell)),
  );
}

async function downloadUrls(): Promise<(string | null)[]> {
  const { rows } = await pipeline.database.pool.query<{ download_url: string | null }>(
    'select distinct download_url from public.payload_inbox',
  );
  return rows.map((row) => row.download_url);
}

test('no CSV row and no long payload of a run from a file stands in its history', async () => {
  await pipeline.addSource('from-file');
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest(payload, { cluster_id: 'from-file' })),
  });
  expect(await handle.result()).toMatchObject({ outcome: 'completed' });
  const history = await historyOf(handle);
  expect(history.text).toContain('from-file');
  expect(history.longest).toBeLessThanOrEqual(maxPayloadBytes);
  expect(cellsOf(payload)).toHaveLength(4);
  for (const cell of cellsOf(payload)) expect(history.text).not.toContain(cell);
  expect(history.text, 'nobody announced it, so nobody asks for an answer').not.toContain(
    'answerAnnouncement',
  );
});

test('a manifest of 150 files with three days each passes without a long payload', async () => {
  const source = await pipeline.addSource('many-files');
  const [header = '', row = ''] = ([...payload.files.values()][0] ?? '').split('\n');
  const files = new Map(
    Array.from({ length: 150 }, (_, index) => {
      const rows = [1, 2, 3].map((day) =>
        row
          .replaceAll('2026-10-06', `2026-10-0${day}`)
          .replace('etcd-operator-576bc857f8-6k7x2', `pod-${index}`),
      );
      return [`report.${index}.csv`, [header, ...rows, ''].join('\n')];
    }),
  );
  const manifest = { cluster_id: 'many-files', files: [...files.keys()] };
  const { handle } = await pipeline.start({
    payload: await folder.pack(withManifest({ files, manifest: payload.manifest }, manifest)),
  });
  const result = await handle.result();
  expect(result).toMatchObject({ fileCount: 150, rowCount: 450, rowsLoaded: 450, daysSummarised: 3 });
  const history = await historyOf(handle);
  expect(history.eventCount).toBeGreaterThan(450);
  expect(history.longest).toBeLessThanOrEqual(maxPayloadBytes);
  // 150 pods with 51.626897 core-seconds a day each.
  const tables = await snapshotTables(pipeline.database, source);
  const days = tables
    .get('reporting_ocpusagelineitem_daily_summary')
    ?.filter((day) => !day.key.includes(' unallocated'));
  expect(days?.map((day) => day.numbers.get('pod_usage_cpu_core_hours'))).toEqual(
    Array(3).fill(expect.closeTo((150 * 51.626897) / 3600, 9)),
  );
});

describe('a payload with a download address', () => {
  test('leaves neither address secret nor CSV row in its history, and no address in the inbox', async () => {
    const source = await pipeline.addSource('from-url');
    answers = [await packPayload(withManifest(payload, { cluster_id: 'from-url' }))];
    const { handle } = await pipeline.start({ payload: addressOf('whole') });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', rowCount: 20 });
    const history = await historyOf(handle);
    for (const forbidden of [secret, 'http://127.0.0.1', ...cellsOf(payload)])
      expect(history.text).not.toContain(forbidden);
    expect(history.longest).toBeLessThanOrEqual(maxPayloadBytes);
    expect(await downloadUrls()).toEqual([null]);

    const before = await snapshotTables(pipeline.database, source);
    answers = [410];
    const requestsBefore = requestCount;
    const again = await pipeline.ingest(addressOf('whole'), { again: true });
    expect(again).toMatchObject({ outcome: 'completed', rowsLoaded: 0 });
    expect(requestCount, 'the archived copy is used').toBe(requestsBefore);
    expectSameTables(await snapshotTables(pipeline.database, source), before);
  });

  test.for([401, 403, 404, 410])('that answers %i fails at once', async (status) => {
    answers = [status];
    const requestsBefore = requestCount;
    const { handle } = await pipeline.start({ payload: addressOf(`answers-${status}`) });
    const failure = await handle.result().then(
      () => undefined,
      (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error),
    );
    expect(failure).toMatchObject({
      type: 'PayloadUnavailable',
      message: expect.stringMatching(
        new RegExp(`/answers-${status}: the server answered ${status}; the address has expired`),
      ) as string,
    });
    expect(requestCount - requestsBefore).toBe(1);
    expect((await historyOf(handle)).text).not.toContain(secret);
    const { rows } = await pipeline.database.pool.query<{ reason: string }>(
      'select reason from public.ingest_failure order by id desc limit 1',
    );
    expect(rows[0]?.reason).toContain(`answered ${status}`);
    expect(rows[0]?.reason).not.toContain(secret);
  });

  test('that answers 503 is asked again until it delivers', async () => {
    await pipeline.addSource('from-busy-server');
    answers = [503, 503, await packPayload(withManifest(payload, { cluster_id: 'from-busy-server' }))];
    const requestsBefore = requestCount;
    const { handle } = await pipeline.start({ payload: addressOf('busy') });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', rowCount: 20 });
    expect(requestCount - requestsBefore).toBe(3);
    expect((await historyOf(handle)).text).not.toContain(secret);
  });

  test('whose download breaks off is fetched anew and stored whole', async () => {
    const source = await pipeline.addSource('broken-off');
    const archive = await packPayload(withManifest(payload, { cluster_id: 'broken-off' }));
    let broken = 0;
    const breaking = createServer((_request, response) => {
      if (broken++ > 0) {
        response.end(archive);
        return;
      }
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 500), () => response.destroy());
    });
    await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = breaking.address() as AddressInfo;
      const { handle } = await pipeline.start({ payload: `http://127.0.0.1:${port}/broken?${secret}` });
      expect(await handle.result()).toMatchObject({ outcome: 'completed', rowCount: 20 });
      expect(broken).toBe(2);
    } finally {
      await new Promise((resolve) => breaking.close(resolve));
    }
    const alone = await pipeline.addSource('unbroken');
    await pipeline.ingest(await folder.pack(withManifest(payload, { cluster_id: 'unbroken' })));
    expectSameTables(
      await snapshotTables(pipeline.database, source),
      await snapshotTables(pipeline.database, alone),
    );
  });
});
