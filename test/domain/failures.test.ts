import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countedFailureType } from '../../domain/failures/failure-counts.ts';
import { failureNames, failures, isFinal, neverRetried } from '../../domain/failures/failures.ts';
import { packageRoot } from '../../platform/config/package-root.ts';

/** What becomes of a run that meets a failure. */
function consequence(name: (typeof failureNames)[number]): string {
  const { from, retried, final } = failures[name];
  if (from === 'run') return final ? 'the run has failed' : 'the run is blocked';
  if (final) return retried === 'never' ? 'the run fails' : 'the run fails once it is no longer retried';
  if (retried === 'never') return 'the run is blocked, or the file fails';
  return 'retried; the run is blocked when its time limit expires';
}

test('the page about metrics lists every type of failure', () => {
  const page = readFileSync(join(packageRoot, 'docs', 'metrics.md'), 'utf8');
  const rows = failureNames.map(
    (name) => `| \`${name}\` | ${failures[name].meaning} | ${consequence(name)} |`,
  );
  const table = ['| type | meaning | then |', '|---|---|---|', ...rows].join('\n');
  expect(page).toContain(table);
});

test('every type is counted under its own name', () => {
  expect(failureNames.map(countedFailureType)).toEqual([...failureNames]);
});

test('what may be retried is not refused by the retry policy', () => {
  // A standby may be promoted, a download address may answer again: these say so themselves, each time.
  expect(neverRetried).not.toContain('ConfigInvalid');
  expect(neverRetried).not.toContain('PayloadUnavailable');
  expect(neverRetried).toContain('SchemaTooOld');
});

test.each([
  ['ManifestInvalid', true],
  ['SchemaTooOld', false],
  ['RetriesExhausted', false],
  ['42P01', false],
  ['toString', false],
])('a run that meets %s fails at once: %s', (type, final) => {
  expect(isFinal(type)).toBe(final);
});
