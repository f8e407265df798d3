import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests against real servers that `test/servers/install.sh` installs; `npm run test:servers`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/servers/**/*.test.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    exclude: ['test/servers/intake/**'],
    pool: 'forks',
    // A worker samples its gauges every minute.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
