import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/** The page in a real browser, on data that the pipeline has made; `npm run test:page`. */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    // OCP_MEASURE measures instead of testing.
    include: [
      process.env['OCP_MEASURE'] === undefined ? 'test/page/**/*.test.ts' : 'test/page/**/*.measure.ts',
    ],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    maxWorkers: 2,
  },
});
