import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { UploadBudget } from '../../http/upload-budget.ts';

const mebibyte = 1024 * 1024;
/** What one upload reserves at most, whatever its size: 15 MiB. */
const largest = 15 * mebibyte;
const patienceMs = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An upload that goes on until it is ended. */
function upload(budget: UploadBudget, bytes: number | undefined) {
  let end: () => void = () => undefined;
  const body = new Promise<void>((resolve) => (end = resolve));
  const state = { started: false, refused: '' };
  const done = budget
    .within(bytes, async () => {
      state.started = true;
      await body;
    })
    .catch((error: unknown) => {
      state.refused = String(error);
    });
  return {
    state,
    end: async () => {
      end();
      await done;
      await settled();
    },
  };
}

/** What was promised has been told. */
const settled = () => vi.advanceTimersByTimeAsync(0);

test('uploads start while there is memory for them, and then in the order of their arrival', async () => {
  // 30 MiB: two of any size, since one reserves 15 MiB at most.
  const budget = new UploadBudget(2 * largest, patienceMs);
  const [first, second, third, small] = [500 * mebibyte, undefined, largest, 1].map((bytes) =>
    upload(budget, bytes),
  );
  await settled();
  expect([first, second, third, small].map((each) => each?.state.started)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  // The small one fits into nothing before the third: it would have to overtake it.
  await second?.end();
  expect([third, small].map((each) => each?.state.started)).toEqual([true, false]);
  await first?.end();
  expect(small?.state.started).toBe(true);
  await Promise.all([third?.end(), small?.end()]);
});

test('one whose turn does not come in time is refused with 503, and those behind it go on', async () => {
  // 16 MiB: one large upload, and one of 1 MiB beside it.
  const budget = new UploadBudget(largest + mebibyte, patienceMs);
  const running = upload(budget, largest);
  const large = upload(budget, largest);
  await vi.advanceTimersByTimeAsync(patienceMs - 1);
  const small = upload(budget, mebibyte);
  await settled();
  expect([large.state.refused, small.state.started]).toEqual(['', false]);
  await vi.advanceTimersByTimeAsync(1);
  expect(large.state.refused).toContain('too many uploads at the same time');
  expect(large.state.started).toBe(false);
  expect(small.state.started).toBe(true);
  await Promise.all([running.end(), small.end()]);
});

test('memory of an upload that fails is free again', async () => {
  const budget = new UploadBudget(largest, patienceMs);
  for (const turn of [1, 2, 3])
    await expect(budget.within(largest, () => Promise.reject(new Error(`cut off ${turn}`)))).rejects.toThrow(
      `cut off ${turn}`,
    );
  const next = upload(budget, largest);
  await settled();
  expect(next.state.started).toBe(true);
  await next.end();
});
