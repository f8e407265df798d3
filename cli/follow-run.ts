import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, TerminatedFailure, CancelledFailure } from '@temporalio/common';
import { createLogUpdate } from 'log-update';
import type { IngestManifestResult, RunProgress } from '../domain/run.ts';
import type { OpenFailure } from '../domain/decision.ts';
import { openFailuresQuery, progressQuery } from '../workflows/messages.ts';
import { formatDuration, formatNumber } from './output.ts';
import type { Output } from './output.ts';
import type { StartedRun } from './start-run.ts';

/** How a followed run ended, or that it waits for an operator. */
export type RunEnd =
  | { payload: string; workflowId: string; outcome: 'blocked'; failures: OpenFailure[] }
  | {
      payload: string;
      workflowId: string;
      outcome: 'completed' | 'ignored' | 'already ingested';
      result: IngestManifestResult;
    }
  | { payload: string; workflowId: string; outcome: 'failed'; errorType: string; message: string };

const pollMs = 200;

/**
 * Wait for runs to end, showing where they stand: on a terminal one live line per run, else a line per change of phase.
 * Rejects with the signal's reason when it aborts; the runs go on.
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
  // The long poll must have ended before the connection is closed: the SDK would try it again on a closed channel.
  const enough = new AbortController();
  const ended = handle.client
    .withAbortSignal(AbortSignal.any([signal, enough.signal]), () => handle.result())
    .then(
      (result): RunEnd => ({ payload, workflowId, outcome: result.outcome, result }),
      (error: unknown): RunEnd => ({ payload, workflowId, outcome: 'failed', ...explain(error) }),
    );
  try {
    return await showUntilEnd(run, ended, signal, (progress, running) => {
      show({
        phase: progress.state,
        text: describe(payload, progress, running, performance.now() - startedAt),
      });
    });
  } finally {
    enough.abort();
    await ended;
  }
}

async function showUntilEnd(
  run: StartedRun,
  ended: Promise<RunEnd>,
  signal: AbortSignal,
  show: (progress: RunProgress, running: { file?: string; rows: number }) => void,
): Promise<RunEnd> {
  const { payload, handle } = run;
  let end: RunEnd | undefined;
  void ended.then((value) => {
    end = value;
  });
  while (end === undefined) {
    signal.throwIfAborted();
    // The query needs a worker; until one answers there is just nothing to show.
    const progress = await handle.client
      .withAbortSignal(signal, () => handle.query(progressQuery))
      .catch(() => undefined);
    if (progress?.state === 'blocked')
      return {
        payload,
        workflowId: handle.workflowId,
        outcome: 'blocked',
        failures: await handle.query(openFailuresQuery),
      };
    if (progress !== undefined) show(progress, await rowsInProgress(run, progress));
    await Promise.race([ended, pause(signal)]);
  }
  signal.throwIfAborted();
  return end;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, pollMs);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** File and rows that the running activities last reported with their heartbeats. */
async function rowsInProgress(
  run: StartedRun,
  progress: RunProgress,
): Promise<{ file?: string; rows: number }> {
  if (progress.state !== 'splitting' && progress.state !== 'loading') return { rows: 0 };
  const description = await run.handle.describe().catch(() => undefined);
  let rows = 0;
  let file: string | undefined;
  for (const activity of description?.raw.pendingActivities ?? []) {
    const data = activity.heartbeatDetails?.payloads?.[0]?.data;
    if (data == null) continue;
    const details = JSON.parse(Buffer.from(data).toString('utf8')) as { file?: string; rows?: number };
    rows += details.rows ?? 0;
    file ??= details.file;
  }
  return { rows, ...(file === undefined ? {} : { file }) };
}

function describe(
  payload: string,
  progress: RunProgress,
  running: { file?: string; rows: number },
  elapsedMs: number,
): string {
  const rows = progress.rowsLoaded + running.rows;
  const perSecond = Math.round(rows / (elapsedMs / 1_000));
  const name = running.file?.split('/').at(-1);
  return [
    payload.split('/').at(-1) ?? payload,
    progress.state,
    progress.detail,
    name,
    rows > 0 ? `${formatNumber(rows)} rows, ${formatNumber(perSecond)} rows/s` : undefined,
    formatDuration(elapsedMs),
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

/** Type and sentence of a failed run. */
function explain(error: unknown): { errorType: string; message: string } {
  const cause = error instanceof WorkflowFailedError ? (error.cause ?? error) : error;
  if (cause instanceof ApplicationFailure)
    return { errorType: cause.type ?? 'Unexpected', message: cause.message };
  if (cause instanceof TerminatedFailure)
    return { errorType: 'Terminated', message: 'the run was terminated; replay it to go on' };
  if (cause instanceof CancelledFailure)
    return { errorType: 'Cancelled', message: 'the run was cancelled; replay it to go on' };
  return { errorType: 'Unexpected', message: cause instanceof Error ? cause.message : String(cause) };
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
