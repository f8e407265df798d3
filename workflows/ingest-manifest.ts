import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { defaultRunOptions } from '../domain/run.ts';
import type {
  AcceptedPayload,
  CarriedRun,
  IngestManifestInput,
  IngestManifestResult,
  RunOptions,
  SplitSummary,
} from '../domain/run.ts';
import { bindActivities } from './activity-options.ts';
import type { BoundActivities } from './activity-options.ts';
import { inParallel } from './in-parallel.ts';
import { ProgressBoard } from './progress.ts';
import { summariseMonth } from './summarise-month.ts';

interface Run {
  input: IngestManifestInput;
  options: RunOptions;
  activities: BoundActivities;
  board: ProgressBoard;
}

const stepNames = {
  aggregating: 'building the daily summary',
  summarising: 'labels, tags and report tables',
};

/**
 * Take one payload archive from its download to the summary tables. Every step is repeatable, and what has been done is
 * in the ledgers: a run that is started again, reset or killed between two steps ends with the same tables.
 */
export async function ingestManifest(input: IngestManifestInput): Promise<IngestManifestResult> {
  const options = { ...defaultRunOptions, ...input.options };
  const run: Run = { input, options, activities: bindActivities(options), board: new ProgressBoard() };
  try {
    return await ingest(run);
  } catch (error) {
    if (isCancellation(error)) {
      run.board.enter('cancelled', 'cancelled; what is loaded stays loaded, start the run again to go on');
      throw error;
    }
    await CancellationScope.nonCancellable(() => recordFailure(run, error));
    throw asFailure(error);
  }
}

async function ingest(run: Run): Promise<IngestManifestResult> {
  const { board, activities, input } = run;
  const carried = input.carried ?? (await downloadAndSplit(run));
  if ('outcome' in carried) return carried;
  const { payload, split } = carried;
  board.identify(payload);
  board.progress.rowCount = split.rowCount;
  board.progress.pieceCount = split.pieceCount;

  await loadPieces(run, carried);
  const { release, months } = await waitForManifest(run, payload, split);

  let summaryRowCount = 0;
  for (const month of months) {
    const { schema, sourceUuid } = payload;
    const result = await summariseMonth(
      activities,
      { schema, sourceUuid, month },
      run.options.loadConcurrency,
      (step) => {
        board.enter(step, `${month}: ${stepNames[step]}`);
      },
    );
    board.progress.daysSummarised += result.dayCount;
    summaryRowCount += result.summaryRowCount;
  }
  const { phaseMs } = board.progress;
  await activities.short.recordCompletion({
    schema: payload.schema,
    manifestId: split.manifestId,
    sourceUuid: payload.sourceUuid,
    months,
    stepMs: {
      download: phaseMs.downloading ?? 0,
      processing: (phaseMs.splitting ?? 0) + (phaseMs.loading ?? 0),
      summary: phaseMs.aggregating ?? 0,
    },
  });
  board.enter('completed', 'done');
  return {
    outcome: 'completed',
    manifestUuid: payload.manifestUuid,
    clusterId: payload.clusterId,
    fileCount: split.fileCount,
    failedFileCount: split.failedFileCount,
    rowCount: split.rowCount,
    rejectedRowCount: split.rejectedRowCount,
    rowsLoaded: board.progress.rowsLoaded,
    daysSummarised: board.progress.daysSummarised,
    summaryRowCount,
    release,
    warnings: split.warnings,
    phaseMs,
  };
}

async function downloadAndSplit(run: Run): Promise<CarriedRun | IngestManifestResult> {
  const { board, activities, input } = run;
  const downloaded = await activities.transfer.downloadPayload({ inboxId: input.inboxId });
  if (downloaded.outcome === 'ignored') {
    board.enter('ignored', downloaded.reason);
    const { reason, manifestUuid, clusterId } = downloaded;
    const nothing = { fileCount: 0, failedFileCount: 0, rowCount: 0, rejectedRowCount: 0, rowsLoaded: 0 };
    const { phaseMs } = board.progress;
    return {
      outcome: 'ignored',
      reason,
      manifestUuid,
      clusterId,
      ...nothing,
      daysSummarised: 0,
      summaryRowCount: 0,
      warnings: [],
      phaseMs,
    };
  }
  const { payload } = downloaded;
  board.identify(payload);
  board.enter('splitting', `splitting ${payload.fileCount} files by day`);
  const split = await activities.transfer.splitPayload({ inboxId: input.inboxId, payload });
  return { payload, split };
}

async function loadPieces(run: Run, carried: CarriedRun): Promise<void> {
  const { board, activities, input, options } = run;
  const { payload, split } = carried;
  const { schema } = payload;
  board.enter('loading', `loading ${split.pieceCount} pieces`);
  if (split.months.length > 0) await activities.short.ensurePartitions({ schema, months: split.months });
  for (;;) {
    const { pieceIds } = await activities.short.pendingPieces({
      schema,
      manifestId: split.manifestId,
      requestId: input.requestId,
    });
    if (pieceIds.length === 0) return;
    await inParallel(pieceIds, options.loadConcurrency, async (pieceId) => {
      const { rowsLoaded } = await activities.load.loadReportDay({ schema, pieceId });
      board.progress.piecesLoaded += 1;
      board.progress.rowsLoaded += rowsLoaded;
      board.say(`loaded ${board.progress.piecesLoaded} of ${split.pieceCount} pieces`);
    });
    // Pages are short beside the history limits, so between two of them is early enough.
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof ingestManifest>({ ...input, carried });
  }
}

/** Look again after 1 s, doubling, until every file of the manifest has come or the wait is over. */
async function waitForManifest(run: Run, payload: AcceptedPayload, split: SplitSummary) {
  const { board, activities, options } = run;
  const { schema } = payload;
  const deadline = Date.now() + options.manifestWaitMs;
  for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 2, options.manifestPollMaxMs)) {
    const leftMs = deadline - Date.now();
    const answer = await activities.short.completeManifest({
      schema,
      manifestId: split.manifestId,
      giveUpWaiting: leftMs <= 0,
    });
    board.progress.waitingFor = answer.waitingFor;
    if (answer.release !== undefined) return { release: answer.release, months: answer.months };
    board.enter(
      'waiting',
      `waiting for ${answer.waitingCount} files of the manifest: ${answer.waitingFor.join(', ')}`,
    );
    await sleep(Math.max(1, Math.min(pauseMs, leftMs)));
  }
}

async function recordFailure(run: Run, error: unknown): Promise<void> {
  const { input, board, activities } = run;
  const failure = asFailure(error);
  board.enter('failed', failure.message);
  await activities.short.recordFailure({
    orgId: input.orgId,
    requestId: input.requestId,
    errorType: failure.type ?? 'Unexpected',
    reason: failure.message,
  });
}

/** The cause that matters, as the workflow's own failure: type and sentence are seen at once in the UI and the CLI. */
function asFailure(error: unknown): ApplicationFailure {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  if (cause instanceof ApplicationFailure)
    return ApplicationFailure.create({
      type: cause.type ?? 'Unexpected',
      message: cause.message,
      nonRetryable: true,
      ...(cause.details == null ? {} : { details: cause.details }),
    });
  const message = cause instanceof Error ? cause.message : String(cause);
  const activity = error instanceof ActivityFailure ? `${error.activityType}: ` : '';
  return ApplicationFailure.create({
    type: 'RetriesExhausted',
    message: activity + message,
    nonRetryable: true,
  });
}
