import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countedFailureType } from '../../domain/failures/failure-counts.ts';
import {
  commandFailures,
  failureNames,
  failures,
  isFinal,
  neverRetried,
  PipelineError,
} from '../../domain/failures/failures.ts';
import { packageRoot } from '../../platform/config/package-root.ts';
import { toApplicationFailure } from '../../platform/temporal/activity-failure.ts';
import { sourceFiles } from '../../scripts/rooms.mjs';

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

test('a type is a failure of runs or of commands, not of both', () => {
  const commands = Object.keys(commandFailures);
  expect(commands.filter((name) => (failureNames as readonly string[]).includes(name))).toEqual([]);
  expect(commands.map(countedFailureType)).toEqual(commands.map(() => 'Unexpected'));
});

/** What extends Error and is no {@link PipelineError}, and who catches it before it reaches an edge. */
const signals: Readonly<Record<string, string>> = {
  RollBack: 'carries a result out of a transaction; summary/ catches it',
  Foreign: 'carries a failure through a stream; payload/archive.ts unwraps it',
  LocalAddressRefused: 'carries an address through net.connect; payload/http-download.ts explains it',
  CsvUnreadable: 'tells where a CSV ends; the splitter makes a remark of it, daily-csv.ts a damaged object',
  Skipped: 'a decision of an operator; the workflow goes on without the file',
  Interrupted: 'SIGINT; cli/main.ts ends without a message',
  ApiError: 'an answer of the read API, with status and body; api/handle.ts gives it to the reader',
  FileProblem: 'why a file was not taken; intake/watch/station.ts looks again, or writes it beside the file',
  CallFailed: 'runs in the browser; the block of the page that asked shows it',
  PipelineError: 'the base class',
};

test('every class of errors is a PipelineError, except for signals that reach no edge', () => {
  const found = sourceFiles().flatMap((path) => {
    const text = readFileSync(join(packageRoot, path), 'utf8');
    return [...text.matchAll(/class (\w+)(?:<[^>]*>)? extends (\w*Error)\b/g)].map(([, name, base]) => ({
      name: name ?? '',
      base,
    }));
  });
  const apart = found.filter(({ base }) => base !== 'PipelineError').map(({ name }) => name);
  expect(apart.sort()).toEqual(Object.keys(signals).sort());
  expect(found.map(({ name }) => name)).toContain('ObjectNotFound');
});

/** Plain errors that say more than which invariant was broken, and why they are plain. */
const plain: Readonly<Record<string, string>> = {
  'activities/compare-engines.ts': 'retried like any error, then written beside the comparison',
  'cli/option-values.ts': 'the check of an option; yargs makes a usage error of it',
  'cli/commands/serve.ts': 'the check of an option; yargs makes a usage error of it',
  'cli/commands/watch.ts': 'the check of an option; yargs makes a usage error of it',
  'costs/apply-costs.ts': 'an invariant: its caller passes the days of one month',
  'platform/database/binary-copy.ts': 'an invariant: the split has read the same time before',
  'platform/database/sql-files.ts': 'for developers: an installation has the file',
  'platform/database/scalar.ts': 'an invariant: the statement returns one value',
  'reports/fast-path/plain-kernel.ts': 'for developers: an installation has the file',
  'workflows/decisions.ts': 'refuses an update, whose caller gets the message',
};

test('what says what was expected, or what to do, is a PipelineError with a type', () => {
  const found = sourceFiles().filter((path) => {
    const text = readFileSync(join(packageRoot, path), 'utf8');
    const thrown = [...text.matchAll(/new Error\(\s*((?:'[^']*'|`[^`]*`|\s|\+)+)/g)];
    return thrown.some(
      ([, message = '']) => path.startsWith('dev-stack/') || /\bexpected\b|; ['`a-z$]/.test(message),
    );
  });
  expect(found.sort()).toEqual(Object.keys(plain).sort());
});

test('an error is retried as the list says, unless it says so itself', () => {
  expect(new PipelineError('PartitionBusy', 'busy').retryable).toBe(true);
  expect(new PipelineError('PartitionFailed', 'taken').retryable).toBe(false);
  expect(new PipelineError('ConfigInvalid', 'standby').retryable).toBe(false);
  expect(new PipelineError('ConfigInvalid', 'standby', { retryable: true }).retryable).toBe(true);
});

test('a failure says what to do, in the history too, without secrets', () => {
  const error = new PipelineError('ObjectStoreFailed', 'https://host/x?X-Sig=abc failed', {
    remedy: 'try again',
  });
  expect(error.sentence).toBe('https://host/x?X-Sig=abc failed; try again');
  expect(toApplicationFailure(error)).toMatchObject({
    type: 'ObjectStoreFailed',
    message: 'https://host/x failed; try again',
    nonRetryable: false,
  });
});
