import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ContinueAsNew, DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, test } from 'vitest';
import { firstToThrow, isControlFlow, passControlFlowAfter } from '../../workflows/control-flow.ts';

const continuing = new ContinueAsNew({ args: [], headers: {} } as never);
const cancelled = new CancelledFailure('cancelled');
const cancelledActivity = new ActivityFailure(
  'cancelled',
  'loadReportDay',
  '1',
  'CANCEL_REQUESTED',
  'worker',
  cancelled,
);
const failed = new ActivityFailure(
  'failed',
  'loadReportDay',
  '1',
  'TIMEOUT',
  'worker',
  ApplicationFailure.create({ message: 'gone' }),
);

test.for([
  ['continue-as-new', continuing, true],
  ['a cancellation', cancelled, true],
  ['a cancelled activity', cancelledActivity, true],
  ['code that does not fit the history', new DeterminismViolationError('other command'), true],
  ['a failed activity', failed, false],
  ['a failure of ours', ApplicationFailure.create({ type: 'ManifestInvalid' }), false],
  ['a mistake of the program', new TypeError('undefined'), false],
  ['what is no error', 'text', false],
] as const)('%s', ([, error, steers]) => {
  expect(isControlFlow(error)).toBe(steers);
});

test('a failure that happens beside a cancellation does not hide it', () => {
  expect(firstToThrow([failed, cancelledActivity])).toBe(cancelledActivity);
  expect(firstToThrow([failed, continuing])).toBe(continuing);
  expect(firstToThrow([failed, new Error('later')])).toBe(failed);
});

test('what is to be done for a cancelled run is done only for that', async () => {
  let done = 0;
  const onCancelled = () => {
    done += 1;
  };
  await expect(passControlFlowAfter(continuing, onCancelled)).rejects.toBe(continuing);
  expect(done).toBe(0);
  await expect(passControlFlowAfter(cancelled, onCancelled)).rejects.toBe(cancelled);
  expect(done).toBe(1);
  await passControlFlowAfter(failed, onCancelled);
  expect(done).toBe(1);
});

describe('ESLint refuses workflow code that catches everything', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  let rule: Linter.RuleEntry;
  beforeAll(async () => {
    const config = (await new ESLint({ cwd: root }).calculateConfigForFile(
      `${root}workflows/in-parallel.ts`,
    )) as Linter.Config;
    rule = config.rules?.['no-restricted-syntax'] ?? 'off';
  });

  /** How often the rule of workflow files complains about the body of a function. */
  function complaints(body: string): number {
    const code = `export async function added(work) { ${body} }`;
    const messages = new Linter().verify(code, { rules: { 'no-restricted-syntax': rule } });
    return messages.length;
  }

  test.for<[string, string]>([
    ['a catch', `try { await work(); } catch (error) { return error; } return 1;`],
    ['a catch without a name', `try { await work(); } catch { return 1; } return 2;`],
    [
      'a catch that returns before it lets pass',
      `try { await work(); } catch (error) { if (error instanceof TypeError) return 1; passControlFlow(error); } return 2;`,
    ],
    ['a method catch', `return work().catch(() => 1);`],
    ['a second callback of then', `return work().then(() => 1, () => 2);`],
    ['allSettled', `return Promise.allSettled([work()]);`],
  ])('%s', ([, body]) => {
    expect(complaints(body)).toBe(1);
  });

  test.for<[string, string]>([
    [
      'a catch that lets pass',
      `try { await work(); } catch (error) { passControlFlow(error); return 1; } return 2;`,
    ],
    [
      'a catch that puts a cancelled run in order first',
      `try { await work(); } catch (error) { await passControlFlowAfter(error, () => undefined); } return 2;`,
    ],
    ['then with one callback', `return work().then(() => 1);`],
  ])('not %s', ([, body]) => {
    expect(complaints(body)).toBe(0);
  });
});
