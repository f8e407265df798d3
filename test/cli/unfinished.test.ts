import { expect, test } from 'vitest';
import { unfinishedPhrase } from '../../cli/run-status.ts';

const run = (status: string, state?: string) => ({
  workflowId: 'manifest:1:a',
  status,
  ...(state === undefined ? {} : { state }),
  activities: [],
});

test.for([
  ['splitting', [run('RUNNING', 'splitting')]],
  ['waiting for files', [run('RUNNING', 'waiting')]],
  ['aggregating', [run('RUNNING', 'waiting'), run('RUNNING', 'aggregating')]],
  [
    'blocked: waiting for a decision (ocp-pipeline replay)',
    [run('RUNNING', 'loading'), run('RUNNING', 'blocked')],
  ],
  // The state that a run had when it was ended from outside says nothing any more.
  ['terminated, unfinished', [run('TERMINATED', 'blocked')]],
  ['cancelled, unfinished', [run('COMPLETED', 'completed'), run('CANCELLED', 'cancelled')]],
  ['failed, unfinished', [run('FAILED', 'failed')]],
  ['unfinished', [run('COMPLETED', 'incomplete')]],
  ['unfinished, and no run of it is known', [run('NOT FOUND')]],
] as const)('%s', ([phrase, runs]) => {
  expect(unfinishedPhrase(runs)).toBe(phrase);
});
