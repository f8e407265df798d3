import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/**
 * `npm run record-histories:trino`: writes the histories of test/replay anew that need Trino. Never part of a test run.
 */
export default defineConfig({
  test: {
    ...limits,
    include: ['test/trino/record-histories.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/trino/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
  },
});
