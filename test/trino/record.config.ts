import { defineConfig } from 'vitest/config';

/**
 * `npm run record-histories:trino`: writes the histories of test/replay anew that need Trino. Never part of a test run.
 */
export default defineConfig({
  test: {
    include: ['test/trino/record-histories.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/trino/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
});
