import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests of the image that `test/image/build.sh` builds; `npm run test:image`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/image/**/*.test.ts'],
    setupFiles: ['test/support/clean-up.ts'],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
