import { maxWaitMs } from './limits.ts';

const intervalMs = 50;

/**
 * Wait until a condition holds; what it throws counts as "not yet".
 * @throws Error with the last reason when it does not hold in time
 */
export async function waitUntil(
  condition: () => Promise<boolean> | boolean,
  timeoutMs = maxWaitMs,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let reason: unknown; ;) {
    try {
      if (await condition()) return;
      reason = undefined;
    } catch (error) {
      reason = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not in ${timeoutMs} ms${reason instanceof Error ? `: ${reason.message}` : ''}`, {
        cause: reason,
      });
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
