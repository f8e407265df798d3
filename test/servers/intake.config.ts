import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * Intake from Kafka, buckets and beside a cache: real servers of `test/servers/install.sh`;
 * part of `npm run test:servers`.
 */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/servers/intake/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
