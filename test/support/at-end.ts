type CleanUp = () => unknown;

const cleanUps: CleanUp[] = [];
let isArmed = false;

/**
 * Have something cleaned up when the tests of the file have ended, the latest first. For helpers that hooks and tests
 * call: `afterAll` called from there is never run, because Vitest has collected its hooks by then.
 *
 * @throws Error if nothing would run it: the Vitest configuration lacks the set-up file `test/support/clean-up.ts`
 */
export function atEnd(cleanUp: CleanUp): void {
  if (!isArmed) throw new Error("setupFiles of this Vitest configuration lacks 'test/support/clean-up.ts'");
  cleanUps.push(cleanUp);
}

/** The set-up file has asked Vitest to call {@link cleanUpAll} behind each file. */
export function armCleanUp(): void {
  isArmed = true;
}

/**
 * Run and forget what {@link atEnd} was given. What fails does not keep the rest from being cleaned up.
 *
 * @throws AggregateError of all that failed
 */
export async function cleanUpAll(): Promise<void> {
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
}
