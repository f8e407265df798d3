/*
 * Nets under what hangs. A machine that is busy with other things shall not be able to fail a test, so none of them is
 * near to what anything takes.
 */

/** How long to wait for one thing, such as the start of a worker, which takes a minute on a busy machine. */
export const maxWaitMs = 120_000;

/**
 * How long tests, hooks and `expect.poll` may take, in every Vitest configuration. Tests of a file that hang one after
 * the other must not use up the time of CI; the few that take minutes have limits of their own.
 */
export const limits = {
  testTimeout: 300_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: maxWaitMs } },
};
