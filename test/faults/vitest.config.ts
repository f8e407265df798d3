import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/** What is left after servers, disks, connections and workers failed; `npm run test:faults`. */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/faults/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    // They wait most of the time, for heartbeats to be missed: the server gives a lost attempt half a minute or a whole
    // one.
    maxWorkers: 5,
  },
});
