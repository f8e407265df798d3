import { createLogUpdate } from 'log-update';
import type { IngestManifestResult, RunProgress } from '../domain/run/run.ts';
import type { OpenFailure } from '../domain/run/decision.ts';
import { openFailuresQuery, progressQuery } from '../workflows/messages.ts';
import { awaitRun } from './await-run.ts';
import type { Ask } from './await-run.ts';
import { describeFailure } from './failure.ts';
import { freesPayload, idleEngine } from './idle-queue.ts';
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
  const end = await awaitRun(handle, signal, (ask) =>
    blockedRun(run, ask, (progress, running) => {
      show({
        phase: running.problem === undefined ? progress.state : `${progress.state}, idle`,
        text: describe(payload, progress, running, performance.now() - startedAt),
      });
    }),
  );
  if ('stop' in end) return end.stop;
  if ('failure' in end) return { payload, workflowId, outcome: 'failed', ...describeFailure(end.failure) };
  return { payload, workflowId, outcome: end.result.outcome, result: end.result };
}

/** The run if it is blocked; otherwise its progress is shown. */
async function blockedRun(
  run: StartedRun,
  ask: Ask,
  show: (progress: RunProgress, running: Running) => void,
): Promise<RunEnd | undefined> {
  const { payload, handle } = run;
  // The query needs a worker; until one answers there is nothing to show.
  const progress = await ask(() => handle.query(progressQuery));
  const failures =
    progress?.state === 'blocked' ? await ask(() => handle.query(openFailuresQuery)) : undefined;
  if (failures !== undefined) return { payload, workflowId: handle.workflowId, outcome: 'blocked', failures };
  if (progress !== undefined) show(progress, await rowsInProgress(run, progress, ask));
  return undefined;
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
async function rowsInProgress(run: StartedRun, progress: RunProgress, ask: Ask): Promise<Running> {
  if (!shownStates.has(progress.state)) return { rows: 0 };
  const description = await ask(() => run.handle.describe());
  const pending = description?.raw.pendingActivities ?? [];
  const problem = await ask(() => idleEngine(run.handle.client, pending, freesPayload));
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
