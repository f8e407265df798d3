import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { limits } from '../support/limits.ts';

/** Tests of the image that `test/image/build.sh` builds; `npm run test:image`. */
export default defineConfig({
  test: {
    ...limits,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/image/**/*.test.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
  },
});
