import { createLogUpdate } from 'log-update';
import type { IngestManifestResult, RunProgress } from '../domain/run/run.ts';
import type { OpenFailure } from '../domain/run/decision.ts';
import { abortable, resultOf } from '../platform/temporal/calls.ts';
import { openFailuresQuery, progressQuery } from '../workflows/messages.ts';
import { describeFailure } from './failure.ts';
import { idleEngine } from './idle-queue.ts';
import { formatDuration, formatNumber } from './output.ts';
import type { Output } from './output.ts';
import type { StartedRun } from '../intake/start-run.ts';

/** How a followed run ended, or that it waits for an operator. */
export type RunEnd =
  | { payload: string; workflowId: string; outcome: 'blocked'; failures: OpenFailure[] }
  | {
      payload: string;
      workflowId: string;
      outcome: 'completed' | 'incomplete' | 'ignored' | 'already ingested';
      result: IngestManifestResult;
    }
  | { payload: string; workflowId: string; outcome: 'failed'; errorType: string; message: string };

const pollMs = 200;

/**
 * Wait for runs to end and show their progress: on a terminal one live line per run, otherwise a line per phase.
 * Rejects with the signal's reason if it aborts; the runs continue.
 */
export async function followRuns(
  output: Output,
  runs: readonly StartedRun[],
  signal: AbortSignal,
): Promise<RunEnd[]> {
  const board = output.terminal ? new LiveBoard(runs.length) : new PlainBoard(output);
  try {
    const followed = await Promise.allSettled(
      runs.map((run, index) =>
        followRun(run, signal, (line) => {
          board.show(index, line);
        }),
      ),
    );
    signal.throwIfAborted();
    return followed.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
  } finally {
    board.done();
  }
}

async function followRun(
  run: StartedRun,
  signal: AbortSignal,
  show: (line: ProgressLine) => void,
): Promise<RunEnd> {
  const { payload, handle } = run;
  const { workflowId } = handle;
  if (run.earlier !== undefined)
    return { payload, workflowId, outcome: 'already ingested', result: run.earlier };
  const startedAt = performance.now();
  // Aborts when there is nothing left to wait for: the run has ended, is blocked, or the command is to stop.
  const enough = new AbortController();
  const over = AbortSignal.any([signal, enough.signal]);
  const ended = resultOf(handle, over)
    .then(
      (result): RunEnd => ({ payload, workflowId, outcome: result.outcome, result }),
      (error: unknown): RunEnd => ({ payload, workflowId, outcome: 'failed', ...describeFailure(error) }),
    )
    .finally(() => {
      enough.abort();
    });
  try {
    const blocked = await showUntilBlocked(run, over, (progress, running) => {
      show({
        phase: running.problem === undefined ? progress.state : `${progress.state}, idle`,
        text: describe(payload, progress, running, performance.now() - startedAt),
      });
    });
    if (blocked !== undefined) return blocked;
  } finally {
    enough.abort();
    // The long poll must have ended before the connection is closed: the SDK would retry it on a closed channel.
    await ended;
  }
  signal.throwIfAborted();
  return ended;
}

/** Show the progress of a run until it is blocked, or until `over` aborts. */
async function showUntilBlocked(
  run: StartedRun,
  over: AbortSignal,
  show: (progress: RunProgress, running: Running) => void,
): Promise<RunEnd | undefined> {
  const { payload, handle } = run;
  const ask = <T>(call: () => Promise<T>) => abortable(handle.client, over, call).catch(() => undefined);
  while (!over.aborted) {
    // The query needs a worker; until one answers there is nothing to show.
    const progress = await ask(() => handle.query(progressQuery));
    const failures =
      progress?.state === 'blocked' ? await ask(() => handle.query(openFailuresQuery)) : undefined;
    if (failures !== undefined)
      return { payload, workflowId: handle.workflowId, outcome: 'blocked', failures };
    if (progress !== undefined) show(progress, await rowsInProgress(run, progress, ask));
    await pause(over);
  }
  return undefined;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, pollMs);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** What the activities of a run are doing. */
interface Running {
  file?: string;
  rows: number;
  /** why none of them begins */
  problem?: string;
}

/** States in which activities report rows, or may wait for the workers of an engine. */
const shownStates: ReadonlySet<RunProgress['state']> = new Set(['splitting', 'loading', 'aggregating']);

/** File and rows that the running activities last reported with their heartbeats. */
async function rowsInProgress(
  run: StartedRun,
  progress: RunProgress,
  ask: <T>(call: () => Promise<T>) => Promise<T | undefined>,
): Promise<Running> {
  if (!shownStates.has(progress.state)) return { rows: 0 };
  const description = await ask(() => run.handle.describe());
  const pending = description?.raw.pendingActivities ?? [];
  const problem = await ask(() => idleEngine(run.handle.client, pending));
  let rows = 0;
  let file: string | undefined;
  for (const activity of pending) {
    const data = activity.heartbeatDetails?.payloads?.[0]?.data;
    if (data == null) continue;
    const details = JSON.parse(Buffer.from(data).toString('utf8')) as { file?: string; rows?: number };
    rows += details.rows ?? 0;
    file ??= details.file;
  }
  return { rows, ...(file === undefined ? {} : { file }), ...(problem === undefined ? {} : { problem }) };
}

function describe(payload: string, progress: RunProgress, running: Running, elapsedMs: number): string {
  const rows = progress.rowsLoaded + running.rows;
  const perSecond = Math.round(rows / (elapsedMs / 1_000));
  const name = running.file?.split('/').at(-1);
  return [
    payload.split('/').at(-1) ?? payload,
    progress.state,
    running.problem ?? progress.detail,
    name,
    rows > 0 ? `${formatNumber(rows)} rows, ${formatNumber(perSecond)} rows/s` : undefined,
    formatDuration(elapsedMs),
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

interface ProgressLine {
  phase: string;
  text: string;
}

class LiveBoard {
  readonly #lines: string[];
  readonly #draw = createLogUpdate(process.stderr);
  constructor(runCount: number) {
    this.#lines = Array.from({ length: runCount }, () => '');
  }
  show(index: number, line: ProgressLine): void {
    this.#lines[index] = line.text.slice(0, (process.stderr.columns || 120) - 1);
    this.#draw(this.#lines.filter((text) => text !== '').join('\n'));
  }
  done(): void {
    this.#draw.clear();
    this.#draw.done();
  }
}

class PlainBoard {
  readonly #phases = new Map<number, string>();
  readonly #output: Output;
  constructor(output: Output) {
    this.#output = output;
  }
  show(index: number, line: ProgressLine): void {
    if (this.#phases.get(index) === line.phase) return;
    this.#phases.set(index, line.phase);
    this.#output.say(line.text);
  }
  done(): void {
    this.#phases.clear();
  }
}
