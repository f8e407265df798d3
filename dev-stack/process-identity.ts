import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PipelineError } from '../domain/failures/failures.ts';

const run = promisify(execFile);
const pollIntervalMs = 25;

/**
 * One process, distinguishable from a later process with the same pid. `startTime` is opaque: compare it for equality
 * only.
 */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/** How to stop a process: signals in order, each with the time that the process gets before the next one. */
export type StopPlan = readonly { signal: NodeJS.Signals; graceMs: number }[];

/**
 * Identify a running process.
 *
 * Linux: start time in clock ticks from `/proc/<pid>/stat`, with the boot id because ticks count from boot.
 * Elsewhere: what `ps -o lstart=` prints. A zombie counts as ended: it only waits for its parent.
 *
 * @returns undefined when no such process runs
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startTime = process.platform === 'linux' ? await startTimeFromProc(pid) : await startTimeFromPs(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/**
 * Identify this very process.
 *
 * @throws PipelineError `EmbeddedServerFailed` when neither `/proc` nor `ps` shows it
 */
export async function identifySelf(): Promise<ProcessIdentity> {
  const self = await identifyProcess(process.pid);
  if (self === undefined) {
    throw new PipelineError(
      'EmbeddedServerFailed',
      `Start time of process ${process.pid} is unknown: expected it in /proc or from ps, found neither; ` +
        'mount /proc or install ps (package procps)',
    );
  }
  return self;
}

/** Whether exactly this process (same pid, same start time) is still running. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const found = await identifyProcess(identity.pid);
  return found?.startTime === identity.startTime;
}

/** Command line of a process, arguments separated by blanks; empty when it has ended or hides it. */
export async function commandLineOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      return raw.replaceAll('\0', ' ').trim();
    }
    const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
    return stdout.trim();
  } catch {
    return '';
  }
}

/**
 * Stop one process by pid and wait until it has ended. Does nothing if it has already ended.
 *
 * @throws PipelineError `EmbeddedServerFailed` if it may not be signalled or still exists after the last signal's grace
 * period
 */
export async function stopProcess(identity: ProcessIdentity, name: string, plan: StopPlan): Promise<void> {
  for (const { signal, graceMs } of plan) {
    if (!(await isRunning(identity))) {
      return;
    }
    sendSignal(identity.pid, name, signal);
    const deadline = Date.now() + graceMs;
    while (Date.now() < deadline) {
      if (!(await isRunning(identity))) {
        return;
      }
      await delay(pollIntervalMs);
    }
  }
  const sent = plan.map(({ signal }) => signal).join(', ');
  throw new PipelineError(
    'EmbeddedServerFailed',
    `${name} (pid ${identity.pid}) is still running after ${sent}; end it by hand: kill -9 ${identity.pid}`,
  );
}

function sendSignal(pid: number, name: string, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) {
      return;
    }
    throw new PipelineError(
      'EmbeddedServerFailed',
      `${name} (pid ${pid}) cannot be stopped: it belongs to another user; stop it as that user`,
      {
        cause: error,
      },
    );
  }
}

/** Whether a caught value is a system error with one of these codes, such as `ENOENT`. */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

async function startTimeFromProc(pid: number): Promise<string | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the name in parentheses and may itself hold blanks and parentheses.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = rest[18];
  if (state === 'Z' || state === 'X' || ticks === undefined) {
    return undefined;
  }
  return `${await bootId()}/${ticks}`;
}

async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return 'unknown-boot';
  }
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    });
    const [state, ...started] = stdout.trim().split(/\s+/);
    return state === undefined || state.startsWith('Z') || started.length === 0
      ? undefined
      : started.join(' ');
  } catch {
    return undefined;
  }
}
