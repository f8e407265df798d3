/** Exit code of a process that ended because of SIGINT, by convention of shells. */
export const interruptedExitCode = 130;

/**
 * A signal that aborts at the first SIGINT, SIGTERM or SIGHUP, so that a command can close what it opened.
 * A second one ends the process at once; the embedded servers are then found by the next command.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(interruptedExitCode);
      controller.abort(new Interrupted(name));
    });
  }
  return controller.signal;
}

/** The user, or the system, asked the command to stop. */
export class Interrupted extends Error {
  constructor(signal: string) {
    super(`stopped by ${signal}`);
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
