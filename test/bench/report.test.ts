import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { figuresOf } from '../../bench/figures.ts';
import type { ShapeName } from '../../bench/payload/shapes.ts';
import { chart } from '../../bench/report/chart.ts';
import { withResults } from '../../bench/report/document.ts';
import { textReport } from '../../bench/report/text.ts';
import { mergeResults } from '../../bench/results.ts';
import type { Circumstances, Results } from '../../bench/results.ts';
import { soakName } from '../../bench/soak/soak.ts';
import type { MeasuredSoak } from '../../bench/soak/soak.ts';
import { judge, judgeLater, memoryVerdict } from '../../bench/targets.ts';
import { packageRoot } from '../../platform/config/package-root.ts';
import { circumstances, roundRun } from './measured.ts';

function resultsOf(name: ShapeName, changes: Partial<Circumstances> = {}): Results {
  const median = figuresOf(roundRun, 1);
  const payload = {
    rowCount: 16_000,
    csvBytes: 1,
    podLabelSetCount: 1,
    podGroupCount: 1,
    dayCount: 1,
    archiveFileCount: 4,
  };
  const runs = [{ ...roundRun, figures: median }];
  return {
    shapes: {
      [name]: {
        payload,
        median,
        verdicts: judge(name, median),
        runs,
        circumstances: { ...circumstances, ...changes },
      },
    },
  };
}

test('results of a shape replace its older ones and leave the other shapes', () => {
  const older = mergeResults(resultsOf('xl'), resultsOf('small', { commit: 'older' }));
  const merged = mergeResults(older, resultsOf('small', { commit: 'newer' }));
  expect(Object.keys(merged.shapes)).toEqual(['small', 'xl']);
  expect(merged.shapes.small?.circumstances.commit).toBe('newer');
});

test('the report names each figure and says which targets are missed', () => {
  const report = textReport(resultsOf('small'));
  expect(report).toMatch(
    /small\s+16,000\s+8\.00\s+0\.50\s+1\.00\s+2\.00\s+3\.00\s+4\.00\s+2,000\s+2\.00\s+1\.00/,
  );
  expect(report).toMatch(/small\s+whole workflow\s+8\.00 s\s+<= 1\.00 s\s+missed/);
  expect(report).toMatch(/small\s+peak memory of the worker\s+250 MB\s+<= 300 MB\s+met/);
});

test('a figure that older results do not have is no number', () => {
  const results = resultsOf('small');
  const { relationBytesPerDay, costMs, ...older } = figuresOf(roundRun, 1);
  expect([relationBytesPerDay, costMs]).toEqual([4_000_000, 1_500]);
  expect(textReport(results)).toMatch(/small\s+1\.50\s+1\.00\s+4\.00\s+2\.67\s+30\s+4\.0\s/);
  if (results.shapes.small !== undefined) results.shapes.small.median = older;
  expect(textReport(results)).toMatch(/small\s+1\.50\s+1\.00\s+4\.00\s+2\.67\s+30\s+–\s/);
  expect(textReport(results)).not.toMatch(/NaN/);
});

test('the report says what a later payload took beside the labels of a shape', () => {
  const { labels, ...rest } = resultsOf('labels').shapes;
  if (labels === undefined) throw new Error('the shape is not there');
  const later = { shape: 'medium' as const, median: { emptyMs: 1_000, fullMs: 1_250, ratio: 1.25 } };
  const verdicts = judgeLater('medium', later.median);
  const results: Results = { shapes: { ...rest, labels: { ...labels, later, verdicts } } };
  const report = textReport(results);
  expect(report).toContain(
    'A later medium of the same tenant: 1.00 s on empty tables, 1.25 s after labels with its 1 label sets of pods: ratio 1.25.',
  );
  expect(report).toMatch(/labels\s+a later medium \/ on empty tables\s+1\.25\s+<= 1\.20\s+missed/);
});

test('a scenario is a table of the report and of the document, with its verdicts, and replaces only itself', async () => {
  const scenario = (found: string) => ({
    title: 'What is left:',
    head: ['', 'staging'],
    rows: [['after the week', found]],
    verdicts: [memoryVerdict(301_000_000)],
    figures: [],
    circumstances,
  });
  const older: Results = { shapes: {}, scenarios: { disk: scenario('1'), rebuild: scenario('2') } };
  const merged = mergeResults(older, { shapes: {}, scenarios: { disk: scenario('3') } });
  expect(merged.scenarios).toMatchObject({
    disk: { rows: [['after the week', '3']] },
    rebuild: { rows: [['after the week', '2']] },
  });
  expect(textReport(merged)).toMatch(/disk\s+peak memory of the worker\s+301 MB\s+<= 300 MB\s+missed/);
  const document = await readFile(join(packageRoot, 'docs', 'performance.md'), 'utf8');
  expect(withResults(document, merged)).toContain(
    'What is left:\n\n|  | staging |\n| --- | ---: |\n| after the week | 3 |',
  );
});

test('publishing replaces the results in the document and nothing else, also twice', async () => {
  const document = await readFile(join(packageRoot, 'docs', 'performance.md'), 'utf8');
  const [head, tail] = [
    document.slice(0, document.indexOf('<!--')),
    document.slice(document.lastIndexOf('-->')),
  ];
  const once = withResults(document, resultsOf('small', { loadAverage: 9 }));
  expect(once.startsWith(head)).toBe(true);
  expect(once.endsWith(tail)).toBe(true);
  expect(once).toContain('| small | 16,000 | 8.00 |');
  expect(once).toContain('**Noisy**: the machine was busy with other work (load 9.0 on 2 cores)');
  expect(withResults(once, resultsOf('small', { loadAverage: 9 }))).toBe(once);
  expect(() => withResults('no section here', resultsOf('small'))).toThrow('has no section');
});

test('the chart shows every measured shape and stays a document when there is none', () => {
  const drawn = chart(mergeResults(resultsOf('small'), resultsOf('xl')));
  expect(drawn).toContain('>small 8.00 s<');
  expect(drawn).toContain('>xl 8.00 s<');
  expect(drawn).not.toMatch(/NaN|Infinity/);
  expect(drawn).toContain('prefers-color-scheme: dark');
  expect(chart({ shapes: {} })).not.toMatch(/NaN|Infinity/);
});

const sample = {
  payloadCount: 0,
  seconds: 0,
  cpuMs: 0,
  rssBytes: 181_000_000,
  peakRssBytes: 182_000_000,
  maxCachedRunCount: 0,
  maxWorkflowHeapUsedBytes: 0,
  heapUsedBytes: 41_000_000,
  heapBytes: 44_000_000,
  externalBytes: 5_000_000,
  workflowHeapUsedBytes: 20_000_000,
  workflowHeapBytes: 23_000_000,
  workflowThreadCount: 1,
  resourceCount: 17,
  cachedRunCount: 0,
  metricSeriesCount: 1_306,
};

function soakOf(atOnce: number, rssBytes: number): MeasuredSoak {
  return {
    shape: 'tiny',
    payloads: 1_200,
    atOnce,
    sources: 25,
    every: 1_200,
    collect: false,
    rowsPerPayload: 312,
    samples: [sample, { ...sample, payloadCount: 1_200, rssBytes, maxCachedRunCount: atOnce }],
  };
}

test('a soak is shown sample by sample, in megabytes, on the terminal and in the document', async () => {
  const of = (soak: MeasuredSoak): Results => ({
    shapes: {},
    soaks: { [soakName(soak)]: { ...soak, circumstances } },
  });
  const results = mergeResults(of(soakOf(8, 290_000_000)), of(soakOf(60, 377_000_000)));
  const report = textReport(results);
  expect(report).toContain('1,200 payloads of 312 rows from 25 clusters, 8 at once; MB:');
  expect(report).toMatch(/\n0\s+181\s+182\s+41\s+44\s+20\s+23\s+5\s+17\s+0\s+1,306/);
  expect(report).toMatch(/\n1,200\s+290\s+182\s+41\s+44\s+20\s+23\s+5\s+17\s+8\s+1,306/);
  const document = await readFile(join(packageRoot, 'docs', 'performance.md'), 'utf8');
  const published = withResults(document, results);
  expect(published).toContain('- soak of 1200 tiny, 8 at once, soak of 1200 tiny, 60 at once: 2026-11-01');
  expect(published).toContain('| 1,200 | 377 | 182 | 41 | 44 | 20 | 23 | 5 | 17 | 60 | 1,306 |');
  const again = mergeResults(results, of(soakOf(60, 391_000_000)));
  expect(Object.keys(again.soaks ?? {})).toEqual(['1200 tiny, 8 at once', '1200 tiny, 60 at once']);
  expect(withResults(document, again)).not.toContain('| 1,200 | 377 |');
});
