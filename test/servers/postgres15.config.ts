import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/**
 * The tests of SQL, migrations, partitions and parity once more, on PostgreSQL 15; and what needs its client programs.
 */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: [
      'test/summary/**/*.test.ts',
      'test/platform/migrations/**/*.test.ts',
      'test/platform/database/**/*.test.ts',
      'test/parity/**/*.test.ts',
      'test/reports/staging-rows.test.ts',
      'test/servers/**/*.postgres15.ts',
    ],
    globalSetup: [fileURLToPath(new URL('older-postgres-setup.ts', import.meta.url))],
    setupFiles: ['test/support/clean-up.ts', 'test/support/silent-runtime.ts'],
    pool: 'forks',
    // One process after the other loads the modules once (vitest.config.ts says which files must not share one).
    isolate: false,
  },
});
