import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The Trino engine with a real server, that `test/trino/install.sh` installs; `npm run test:trino`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/trino/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/trino/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
