import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/** `npm run record-histories`: writes the histories of this folder anew. Never part of a test run. */
export default defineConfig({
  test: {
    ...limits,
    include: ['test/replay/record-*.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
  },
});
