import { defineConfig } from 'vitest/config';

/** `npm run record-histories`: writes the histories of this folder anew. Never part of a test run. */
export default defineConfig({
  test: {
    include: ['test/replay/record-*.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
