import { createReadStream } from 'node:fs';
import { expect, test } from 'vitest';
import { parseManifest } from '../../domain/payload/manifest.ts';
import type { Manifest } from '../../domain/payload/manifest.ts';
import { rowWindow } from '../../domain/time/retention.ts';
import { readPayloadMembers, scanPayloadArchive } from '../../payload/archive.ts';
import { payloadPath } from '../support/fixtures.ts';
import { split, temporaryStore } from './reports.ts';
import type { TestSplit } from './reports.ts';

async function splitPayload(name: string): Promise<{ manifest: Manifest; files: Map<string, TestSplit> }> {
  const store = await temporaryStore();
  const scan = await scanPayloadArchive(createReadStream(payloadPath(name)));
  const manifest = parseManifest(scan.manifest);
  const window = rowWindow(Date.parse('2026-10-13T00:00:00Z'), { months: 4 });
  const files = new Map<string, TestSplit>();
  await readPayloadMembers(createReadStream(payloadPath(name)), {
    wanted: (file) => manifest.files.includes(file),
    onFile: async (file, content) => {
      const keyFor = (kind: string, day: string) => `${file}/${kind}.${day}.csv`;
      files.set(
        file,
        await split(store, content, { fileName: file, window, keyFor, rejectsKey: `${file}/rejects.csv` }),
      );
    },
  });
  return { manifest, files };
}

/** What a payload came to: kind, then rows of each day. */
function rowsPerDay(files: ReadonlyMap<string, TestSplit>): Record<string, Record<string, number>> {
  const kinds: Record<string, Record<string, number>> = {};
  for (const { kind, pieces } of files.values())
    kinds[kind ?? 'none'] = Object.fromEntries(pieces.map((piece) => [piece.usageDay, piece.rowCount]));
  return kinds;
}

const everyHour = 2 ** 24 - 1;
const threeDays = (rowCount: number) => ({
  '2026-10-01': rowCount,
  '2026-10-02': rowCount,
  '2026-10-03': rowCount,
});

test('the small payload has three full days of all six kinds', async () => {
  const { manifest, files } = await splitPayload('nise-small');
  expect(manifest).toMatchObject({
    clusterId: 'my-ocp-cluster-small',
    dailyReports: true,
    hoursPerDay: { '2026-10-01': 24, '2026-10-02': 24, '2026-10-03': 24, '2026-10-04': 0 },
  });
  expect(rowsPerDay(files)).toEqual({
    pod_usage: threeDays(552),
    storage_usage: threeDays(408),
    node_labels: threeDays(288),
    namespace_labels: threeDays(624),
    vm_usage: threeDays(216),
    gpu_usage: threeDays(456),
  });
  for (const file of files.values()) {
    expect(file).toMatchObject({ state: 'split', rejectedRowCount: 0 });
    expect(new Set(file.pieces.map((piece) => piece.hourMask))).toEqual(new Set([everyHour]));
  }
});

test('the payload of half a day covers its first twelve hours', async () => {
  const { manifest, files } = await splitPayload('nise-partial_12h_day1');
  expect(manifest.hoursPerDay).toEqual({ '2026-10-01': 12 });
  expect(rowsPerDay(files)).toEqual({
    pod_usage: { '2026-10-01': 276 },
    storage_usage: { '2026-10-01': 204 },
    node_labels: { '2026-10-01': 144 },
    namespace_labels: { '2026-10-01': 312 },
    vm_usage: { '2026-10-01': 108 },
    gpu_usage: { '2026-10-01': 228 },
  });
  for (const { pieces } of files.values())
    expect(pieces.map((piece) => piece.hourMask)).toEqual([2 ** 12 - 1]);
});

test('the payload of the whole day has twice as many rows as that of half the day', async () => {
  const [half, whole] = [await splitPayload('nise-partial_12h_day1'), await splitPayload('nise-full_day1')];
  const double = Object.entries(rowsPerDay(half.files)).map(([kind, days]) => [
    kind,
    { '2026-10-01': 2 * (days['2026-10-01'] ?? 0) },
  ]);
  expect(rowsPerDay(whole.files)).toEqual(Object.fromEntries(double));
});

test('the payload without node labels has the other kinds that its manifest lists', async () => {
  const { files } = await splitPayload('nise-no_node_labels');
  expect(rowsPerDay(files)).toEqual({
    pod_usage: threeDays(552),
    storage_usage: threeDays(408),
    namespace_labels: threeDays(624),
  });
});

const malformedRows = [
  { line: 3, column: '', reason: 'expected 19 fields, found 21' },
  { line: 4, column: '', reason: 'expected 19 fields, found 12' },
  { line: 5, column: 'pod_usage_cpu_core_seconds', reason: 'expected a number, found "abc"' },
  { line: 7, column: 'pod_usage_memory_byte_seconds', reason: 'expected at most 1e18, found 1e19' },
];

test.for([
  ['nise-malformed', malformedRows],
  [
    'nise-bad_interval_start',
    [
      ...malformedRows,
      {
        line: 12,
        column: 'interval_start',
        reason: 'expected a time like 2026-10-01 00:00:00 +0000 UTC, found "garbage-date"',
      },
    ],
  ],
] as const)('%s keeps its good rows and says why it rejects the others', async ([name, rejects]) => {
  const { files } = await splitPayload(name);
  const [pods, ...others] = [...files.values()];
  expect(pods).toMatchObject({
    state: 'split',
    kind: 'pod_usage',
    rowCount: 6,
    rejectedRowCount: rejects.length,
  });
  // Pod 9 has a NaN and is negative; a label of another pod has two colons. The rows are kept.
  expect(pods?.leftOutCounts).toEqual({ pod_labels: 1, pod_request_cpu_core_seconds: 1 });
  expect(pods?.warnings).toHaveLength(1);
  expect(pods?.told).toEqual(rejects);
  // Two of the rejected rows say which day they belong to.
  expect(pods?.pieces).toMatchObject([
    { usageDay: '2026-10-01', rowCount: 6, rejectedRowCount: 2, hourMask: 1 },
  ]);
  expect(others.map(({ kind, rowCount, rejectedRowCount }) => [kind, rowCount, rejectedRowCount])).toEqual([
    ['storage_usage', 17, 0],
    ['node_labels', 12, 0],
    ['namespace_labels', 26, 0],
  ]);
});

test('the sample of a real operator is one hour of all six kinds', async () => {
  const { manifest, files } = await splitPayload('operator-sample');
  expect(manifest).toMatchObject({
    uuid: '8f6b2c1e-3d57-4b1f-9a44-0f2f9c1d7e20',
    clusterId: 'operator-sample-cluster',
    date: '2026-10-06T19:05:12.123456Z',
    hoursPerDay: { '2026-10-06': 1 },
    collectedNothing: false,
  });
  expect(rowsPerDay(files)).toEqual({
    pod_usage: { '2026-10-06': 5 },
    storage_usage: { '2026-10-06': 2 },
    node_labels: { '2026-10-06': 5 },
    namespace_labels: { '2026-10-06': 1 },
    vm_usage: { '2026-10-06': 1 },
    gpu_usage: { '2026-10-06': 6 },
  });
  for (const file of files.values()) {
    expect(file).toMatchObject({ state: 'split', rejectedRowCount: 0 });
    expect(file.pieces.map((piece) => piece.hourMask)).toEqual([2 ** 18]);
  }
});
