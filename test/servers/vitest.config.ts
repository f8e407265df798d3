import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/** Tests against real servers that `test/servers/install.sh` installs; `npm run test:servers`. */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/servers/**/*.test.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    exclude: ['test/servers/intake/**'],
    pool: 'forks',
  },
});
