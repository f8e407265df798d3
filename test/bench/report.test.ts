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
import { judge, judgeLater } from '../../bench/targets.ts';
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
