import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../platform/observability/logging.ts';
import { installTemporalRuntime } from '../../platform/observability/temporal-runtime.ts';
import { builtBundlePath } from '../../workers/workflow-bundle.ts';
import * as workflows from '../../workflows/index.ts';
import { readHistories } from './histories.ts';
import type { StoredHistory } from './histories.ts';

installTemporalRuntime(createLogger({ level: 'silent' }));
const histories = readHistories();

/** Replay as a production worker would when it takes a run over. @throws when the code does not fit the history */
async function replay({ scenario, history }: StoredHistory, bundle: string): Promise<void> {
  await Worker.runReplayHistory(
    { workflowBundle: { codePath: bundle }, replayName: scenario },
    history,
    scenario,
  );
}

describe('the workflow bundle of the build', () => {
  test.for(histories)('replays $scenario', async (stored) => {
    await replay(stored, builtBundlePath);
  });

  test.for(histories.filter(({ scenario }) => /^(happy-path|resummarize)(-before-costs)?$/.test(scenario)))(
    'takes over $scenario wherever it stood when the worker was replaced',
    async (stored) => {
      const events = stored.history.events ?? [];
      const stops = events.flatMap(({ workflowTaskScheduledEventAttributes: task }, index) =>
        task && index > 2 ? [index] : [],
      );
      expect(stops.length).toBeGreaterThan(4);
      for (const stop of stops)
        await replay(
          { ...stored, history: { ...stored.history, events: events.slice(0, stop) } },
          builtBundlePath,
        );
    },
  );

  test('has a history of every workflow, and of all that operators do', () => {
    expect([...new Set(histories.map(({ workflowType }) => workflowType))].sort()).toEqual(
      Object.keys(workflows).sort(),
    );
    expect(histories.map(({ scenario }) => scenario)).toEqual(
      expect.arrayContaining([
        'happy-path',
        'happy-path-before-costs',
        'blocked-retry',
        'blocked-skip',
        'blocked-abandon',
        'blocked-timeout',
        'cancelled',
        'reset',
        'started-like',
        'continues-as-new',
        'continued-as-new',
      ]),
    );
  });

  test('has histories that are small and tell nothing of the machine they were recorded on', () => {
    for (const { scenario, byteCount, history } of histories) {
      expect(byteCount, `${scenario} is small`).toBeLessThan(100_000);
      const text = JSON.stringify(history);
      expect(text, scenario).not.toMatch(/node_modules|stackTrace":"[^"]|X-Amz-/);
    }
  });
});

/** Changes of workflow code that a run which is going on would not survive. */
const alterations: [what: string, scenario: string, from: RegExp, to: string][] = [
  ['two steps in another order', 'happy-path', /activity: 'applyTagMapping'/, "activity: 'validateDays'"],
  [
    'a chain with costs for all runs',
    'happy-path-before-costs',
    /\(0,[\w.]+patched\)\('costs-in-the-chain'\)/,
    'true',
  ],
  ['a step left out', 'happy-path', /(tags,\s+)cloud,(\s+costs)/, '$1$2'],
  [
    'a step left out of the chain before costs',
    'resummarize-before-costs',
    /(activity: 'refreshUiSummaries' \},\s+)cloud,/,
    '$1',
  ],
  [
    'a decision that is obeyed differently',
    'blocked-skip',
    /if \(action === 'skip'\)/g,
    "if (action === 'never')",
  ],
  [
    'a continue-as-new that is taken for a failure',
    'continues-as-new',
    /if \(isControlFlow\(error\)\)\s+throw error;/,
    '',
  ],
  ['no pause when a source is busy', 'resummarize-busy', /await \(0,[\w.]+sleep\)\(pauseMs\)/g, ''],
];

describe('a changed order of commands is detected', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ocp-pipeline-replay-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.for(alterations)('%s', async ([, scenario, from, to], { task }) => {
    const code = await readFile(builtBundlePath, 'utf8');
    expect(code, 'the bundle has the code that is altered').toMatch(from);
    const bundle = join(directory, `${task.id}.js`);
    await writeFile(bundle, code.replace(from, to));
    const stored = histories.find((candidate) => candidate.scenario === scenario);
    if (stored === undefined) throw new Error(`no history ${scenario}`);
    await expect(replay(stored, bundle)).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
