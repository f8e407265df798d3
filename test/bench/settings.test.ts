import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cpuMs, serverCpuMs } from '../../bench/process-figures.ts';
import { settingsRows } from '../../bench/report/settings.ts';
import { mergeResults } from '../../bench/results.ts';
import type { Results } from '../../bench/results.ts';
import { compare } from '../../bench/settings/measure-settings.ts';
import type { SettingsRun } from '../../bench/settings/measure-settings.ts';
import { asBuilt, recommendedSettings, stock, variantsOf } from '../../bench/settings/variants.ts';
import { circumstances } from './measured.ts';

const run = (totalMs: number, walBytes = 100, cpu = 10): SettingsRun => ({
  totalMs,
  walBytes,
  serverCpuMs: cpu,
  pagesRead: 1_000,
  checkpoints: 1,
});

test('the settings that are tried are those of docker-compose.yml', async () => {
  const settings = await recommendedSettings();
  expect(settings).toMatchObject({ shared_buffers: '1GB', max_wal_size: '4GB', jit: 'off' });
  expect(Object.keys(settings)).not.toContain('postgres');
});

test('each setting is tried by itself, the two of the WAL as one, and none of autovacuum', () => {
  const recommended = {
    shared_buffers: '1GB',
    min_wal_size: '1GB',
    max_wal_size: '4GB',
    autovacuum_vacuum_cost_limit: '1000',
    jit: 'off',
  };
  const all = { name: 'all recommended', settings: recommended };
  expect(variantsOf(recommended, false)).toEqual([all]);
  expect(variantsOf(recommended, true)).toEqual([
    all,
    { name: 'shared_buffers 1GB', settings: { shared_buffers: '1GB' } },
    { name: 'max_wal_size 4GB, min_wal_size 1GB', settings: { max_wal_size: '4GB', min_wal_size: '1GB' } },
    { name: 'jit off', settings: { jit: 'off' } },
  ]);
});

test('a build without a method of compressing the WAL is given the one that every build has', () => {
  const settings = { jit: 'off', wal_compression: 'lz4' };
  expect(asBuilt(settings, ['pglz', 'lz4'])).toEqual(settings);
  expect(asBuilt(settings, ['pglz', 'on', 'off'])).toEqual({ jit: 'off', wal_compression: 'pglz' });
  expect(asBuilt({ jit: 'off' }, [])).toEqual({ jit: 'off' });
});

test('a run is set against the run of the stock server beside it, and the ratios have their own medians', () => {
  const other = { name: 'other', settings: { jit: 'off' } };
  const [first, second] = compare(
    new Map([
      [stock, [run(100, 100, 10), run(1_000, 100, 20), run(200, 100, 40)]],
      [other, [run(90, 50, 10), run(500, 60, 30), run(220, 70, 20)]],
    ]),
  );
  expect(first?.median).toMatchObject({ totalMs: 200, totalRatio: 1, cpuRatio: 1, walRatio: 1 });
  // Times 0.9, 0.5, 1.1; CPU 1, 1.5, 0.5; WAL 0.5, 0.6, 0.7.
  expect(second?.median).toEqual({
    totalMs: 220,
    serverCpuMs: 20,
    walBytes: 60,
    pagesRead: 1_000,
    checkpoints: 1,
    totalRatio: 0.9,
    cpuRatio: 1,
    walRatio: 0.6,
  });
});

test('the report has a table for each shape that settings were tried with', () => {
  const measured = (shape: 'large' | 'xl', totalMs: number): Results => {
    const runs = new Map([[stock, [run(totalMs, 2e9)]]]);
    return {
      shapes: {},
      settings: { [shape]: { shape, payloadCount: 3, variants: compare(runs), circumstances } },
    };
  };
  const tables = settingsRows(mergeResults(measured('xl', 4_000), measured('large', 2_000)));
  expect(tables.map(({ rows }) => rows)).toEqual([
    [['stock', '1.00', '1.00', '1.00', '4.00', '2,000', '1,000', '1']],
    [['stock', '1.00', '1.00', '1.00', '2.00', '2,000', '1,000', '1']],
  ]);
  expect(tables[0]?.title).toContain('3 payloads of xl');
});

test('CPU time of a server is that of its children too, when they have ended', async () => {
  const before = (await serverCpuMs(process.pid)) ?? NaN;
  const busy = 'const end = process.cpuUsage().user + 100_000; while (process.cpuUsage().user < end);';
  execFileSync(process.execPath, ['-e', busy]);
  const after = (await serverCpuMs(process.pid)) ?? NaN;
  // 100 ms, less a tick of 10 ms of rounding on each side.
  expect(after - before).toBeGreaterThanOrEqual(80);
  expect(after).toBeGreaterThanOrEqual((await cpuMs(process.pid)) ?? NaN);
});
