import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { suite } from '../test/support/suite.ts';

/**
 * Where the program's clock is fixed or not read, or nothing knows a date, a year makes no difference. ESLint keeps
 * `Date.now()` out of the rooms that reckon with dates.
 */
const sameInAYear = [
  'workers/**',
  'dev-stack/**',
  'replay/**',
  'bench/**',
  'docs/**',
  'plans/**',
  'workflows/**',
  'properties/**',
  'reports/**',
  'domain/**',
  'summary/**',
  'costs/**',
  'focus/**',
  'parity/**',
  'platform/observability/**',
  'platform/migrations/**',
  // What else the command line asks Node's clock for is tested by those that remain: credentials and polls of workers.
  'cli/!(doctor|doctor-database|serve).test.ts',
  // Those of the API that remain ask it how old a token is.
  'api/!(callers|handle).test.ts',
].map((pattern) => `test/${pattern}`);

/** The tests for which today's date could matter; `.ci/run` runs them with Node's clock a year ahead. */
export default defineConfig({
  test: suite({ root: fileURLToPath(new URL('..', import.meta.url)), without: sameInAYear }),
});
