import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Minutes of waiting for what happens once a minute, and hardly any work: behind the others they would wait alone. */
const waitLong = ['test/workers/versioning.test.ts', 'test/platform/observability/failures.test.ts'];

/** Those that wait long first, the rest in Vitest's order. */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = ({ moduleId }: TestSpecification) => waitLong.some((path) => moduleId.endsWith(path));
    const sorted = await super.sort(files);
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/servers/**', 'test/image/**', 'test/faults/**', 'node_modules/**', 'dist/**'],
    globalSetup: ['test/support/global-setup.ts'],
    // Each file has its own process, because the Temporal runtime is one per process.
    pool: 'forks',
    // The tests mostly wait for servers: more processes than cores shorten the run.
    maxWorkers: 3,
    sequence: { sequencer: WaitingFirst },
    // .ci/run has further runs beside this one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
