import { BaseSequencer } from 'vitest/node';
import type { InlineConfig, TestSpecification } from 'vitest/node';
import { limits } from './limits.ts';

/** Minutes of waiting for what happens once a minute, and hardly any work: behind the others they would wait alone. */
const waitLong = ['test/workers/versioning.test.ts', 'test/platform/observability/failures.test.ts'];

/** What measures or changes its own process: memory, metrics, traces, signals, another runtime of Temporal. */
const ownProcess = [
  'test/workers/**/*.test.ts',
  'test/platform/observability/**/*.test.ts',
  'test/platform/object-store/**/*.test.ts',
  'test/replay/**/*.test.ts',
  'test/dev-stack/**/*.test.ts',
  'test/reports/csv-records.test.ts',
  'test/reports/report-splitter-limits.test.ts',
];

/** They have configurations of their own. */
const otherSuites = [
  'test/servers/**',
  'test/image/**',
  'test/faults/**',
  'test/trino/**',
  'test/page/**',
  'node_modules/**',
  'dist/**',
];

const sharedProcess = 'shared process';

/**
 * Those that wait long first, then those with a process of their own: a process is kept only from file to next file.
 */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      if (waitLong.some((path) => moduleId.endsWith(path))) return 0;
      return project.name === sharedProcess ? 2 : 1;
    };
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}

/**
 * Vitest's settings for the tests that need no other servers than the two of `global-setup.ts`.
 *
 * @param options.root of the repository
 * @param options.without patterns of tests to leave out; Vitest itself has no such option for projects
 */
export function suite({ root, without = [] }: { root: string; without?: readonly string[] }): InlineConfig {
  const common = {
    ...limits,
    root,
    setupFiles: ['test/support/clean-up.ts'],
    // Processes, because the Temporal runtime is one per process.
    pool: 'forks' as const,
  };
  const exclude = [...otherSuites, ...without];
  return {
    root,
    globalSetup: ['test/support/global-setup.ts'],
    // The tests mostly wait for servers: more processes than cores shorten the run.
    maxWorkers: 3,
    sequence: { sequencer: WaitingFirst },
    projects: [
      { test: { ...common, name: 'own process', include: ownProcess, exclude } },
      {
        test: {
          ...common,
          name: sharedProcess,
          setupFiles: [...common.setupFiles, 'test/support/silent-runtime.ts'],
          include: ['test/**/*.test.ts'],
          exclude: [...exclude, ...ownProcess],
          // A process runs one file after the other and loads the modules once, which costs half a second to one.
          isolate: false,
        },
      },
    ],
  };
}
