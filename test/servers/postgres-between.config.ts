import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/**
 * What could differ between PostgreSQL versions, on the one that `OCP_TEST_POSTGRES` names, 16 or 17; all of it runs on
 * 15 (postgres15.config.ts) and 18 (`npm test`).
 */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: [
      'test/parity/**/*.test.ts',
      'test/summary/worked-example.test.ts',
      'test/platform/migrations/**/*.test.ts',
      'test/platform/database/**/*.test.ts',
      'test/workflows/sample-payloads.test.ts',
      'test/servers/older-postgres.between.ts',
    ],
    globalSetup: [fileURLToPath(new URL('older-postgres-setup.ts', import.meta.url))],
    setupFiles: ['test/support/clean-up.ts', 'test/support/silent-runtime.ts'],
    pool: 'forks',
    // One process after the other loads the modules once (vitest.config.ts says which files must not share one).
    isolate: false,
  },
});
