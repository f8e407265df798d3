import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The tests of SQL, migrations, partitions and parity once more, on PostgreSQL 15; and what needs its client programs. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: [
      'test/sql/**/*.test.ts',
      'test/migrations/**/*.test.ts',
      'test/partitions/**/*.test.ts',
      'test/parity/**/*.test.ts',
      'test/load/staging-rows.test.ts',
      'test/servers/**/*.postgres15.ts',
    ],
    globalSetup: [fileURLToPath(new URL('older-postgres-setup.ts', import.meta.url))],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
