import { afterAll } from 'vitest';

type CleanUp = () => unknown;

const cleanUps: CleanUp[] = [];

/**
 * Have something cleaned up when the tests of the file have ended, the latest first. For helpers that hooks and tests
 * call: `afterAll` called from there is never run, because Vitest has collected its hooks by then.
 */
export function atEnd(cleanUp: CleanUp): void {
  cleanUps.push(cleanUp);
}

// Importing this module is part of collecting the file. What fails does not keep the rest from being cleaned up.
afterAll(async () => {
  const failures: unknown[] = [];
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    try {
      await cleanUp();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `clean-up failed: ${failures.map(String).join('; ')}`);
});
