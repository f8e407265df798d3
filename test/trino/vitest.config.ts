import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/** The Trino engine with a real server, that `test/trino/install.sh` installs; `npm run test:trino`. */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/trino/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/trino/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    maxWorkers: 2,
  },
});
