import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Options that Node is started with, because they cannot be set later: Dockerfile, the first line of cli/main.ts and the
 * benchmark have them. New objects get 1 MB instead of 16 MB, twice in each thread; measured on Node 20 with a million rows,
 * that is 50 MB less for no more time.
 */
export const workerNodeOptions: readonly string[] = ['--max-semi-space-size=1'];

/**
 * Environment that Node is started with, for the same reason and in the same places. Two arenas of glibc's malloc instead of
 * eight for each core: with 60 runs at once that was 30 MB less, for no more CPU time.
 */
export const workerEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };

/**
 * Collect garbage once, when everything is loaded: what reading the modules left behind would stay for as long as there is
 * little else to collect. V8 then goes by what is left, 40 MB, and would collect after every few megabytes that are read
 * (126 times for a million rows, 3 s), so it is told to wait for 80 % more.
 */
export function collectStartupGarbage(): void {
  setFlagsFromString('--heap-growing-percent=80');
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
