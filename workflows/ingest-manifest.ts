import {
  ApplicationFailure,
  CancellationScope,
  continueAsNew,
  log,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  AcceptedPayload,
  CarriedProgress,
  CarriedRun,
  IngestManifestInput,
  IngestManifestResult,
  RunOptions,
  SplitSummary,
} from '../domain/run/run.ts';
import { priorityKeyOf } from '../domain/run/priority.ts';
import { workedMs } from '../domain/run/work.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import type { Activities } from '../activities/index.ts';
import { Answer } from './answer.ts';
import { bindActivities } from './activity-options.ts';
import type { BoundActivities, RunPriority, SettledActivities } from './activity-options.ts';
import { passControlFlow, passControlFlowAfter } from './control-flow.ts';
import { causeOf, Decisions, Skipped, withDecisions } from './decisions.ts';
import { countFailedRun } from './failed-runs.ts';
import { inParallel } from './in-parallel.ts';
import { ProgressBoard } from './progress.ts';
import { summariseMonth, untilDone } from './summarise-month.ts';
import { allExpired, whatNeverCame } from './missing-data.ts';
import { RosFiles } from './ros-files.ts';
import { runOptionsOf } from './checked-input.ts';

interface Run {
  input: IngestManifestInput;
  options: RunOptions;
  /** of every activity that is scheduled from now on */
  priority: RunPriority;
  /** each waits for an operator if it gives up */
  activities: SettledActivities;
  /** the same for loads of this payload's own files, which an operator may skip */
  ownLoad: SettledActivities['load'];
  decisions: Decisions;
  answer: Answer;
  rosFiles: RosFiles;
  board: ProgressBoard;
  /** set once the ledger contains the archive's files */
  carried?: CarriedRun;
}

const stepNames = {
  aggregating: 'building the daily summary',
  summarising: 'labels, tags, costs and report tables',
  validating: 'comparing summaries with line items',
};

/**
 * Process one payload archive from its download to the summary tables. Every step is idempotent, and the ledgers record
 * what has been done: a run that is restarted, reset or killed between two steps ends with the same tables. A step that
 * gives up does not fail the run at once: it waits for an operator's decision.
 */
export async function ingestManifest(input: IngestManifestInput): Promise<IngestManifestResult> {
  const options = runOptionsOf(input.options);
  const board = new ProgressBoard(input.orgId, carriedProgress(input));
  const decisions = new Decisions(
    options.blockedWaitMs,
    (open) => {
      board.setOpenFailures(open);
    },
    () => board.about,
  );
  const priority = { orgId: input.orgId, key: priorityKeyOf(undefined, Date.now()) };
  const bound = bindActivities(options, priority);
  const onWorked = (activity: keyof Activities, result: unknown) => {
    board.worked(activity, result);
  };
  const run: Run = {
    input,
    options,
    priority,
    activities: withDecisions(bound, decisions, { onWorked }),
    ownLoad: withDecisions(bound, decisions, { onWorked, canSkip: true }).load,
    decisions,
    answer: new Answer(bound.short, input),
    rosFiles: new RosFiles(bound.forward, input.inboxId),
    board,
  };
  try {
    const result = await ingest(run);
    await run.answer.settled();
    await run.rosFiles.settled();
    await decisions.settled();
    logEnd(run, result);
    return result;
  } catch (error) {
    await passControlFlowAfter(error, () => {
      decisions.close();
      board.end('cancelled', 'cancelled; loaded data stay loaded; start the run again to continue');
      log.warn('PostgreSQL pipeline processing cancelled', { ...board.about });
    });
    const { type, message, details } = causeOf(error);
    decisions.close();
    board.end('failed', message);
    countFailedRun(type);
    log.error('PostgreSQL pipeline processing failed', { ...board.about, errorType: type, reason: message });
    run.answer.failure(type);
    await CancellationScope.nonCancellable(() => recordEnd(run, bound, { errorType: type, reason: message }));
    await run.answer.settled();
    await run.rosFiles.settled();
    await decisions.settled();
    // The cause itself, so that its type and message are visible at once in the UI and on the command line.
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details });
  }
}

/** The state of the run that this one continues. A run started with "Start Workflow Like This One" counts from zero. */
function carriedProgress({ carried }: IngestManifestInput): CarriedProgress | undefined {
  return workflowInfo().continuedFromExecutionRunId === undefined ? undefined : carried?.progress;
}

/** One line about how a successful run ended: its counts, and the seconds of work. */
function logEnd({ board }: Run, result: IngestManifestResult): void {
  const { phaseMs, warnings, ...counts } = result;
  const seconds = workedMs(phaseMs) / 1_000;
  const line = { ...board.about, ...counts, seconds, phaseMs, warningCount: warnings.length };
  const message = `PostgreSQL pipeline processing ${result.outcome}`;
  if (result.outcome === 'incomplete') log.warn(message, line);
  else log.info(message, line);
}

/** Record a failed run in the ledgers. If recording also fails, keep the original error. */
async function recordEnd(
  run: Run,
  { short }: BoundActivities,
  failure: { errorType: string; reason: string },
): Promise<void> {
  const { carried, decisions } = run;
  const { orgId, requestId } = run.input;
  try {
    if (decisions.abandoned && carried !== undefined) {
      const { payload, split } = carried;
      const { schema, sourceUuid } = payload;
      await untilDone(() =>
        short.abandonFiles({ schema, sourceUuid, manifestId: split.manifestId, requestId }),
      );
    }
    await short.recordFailure({ orgId, requestId, ...failure, abandoned: decisions.abandoned });
  } catch (error) {
    passControlFlow(error);
    log.error('the failure of the run could not be recorded', { ...run.board.about, error });
  }
}

async function ingest(run: Run): Promise<IngestManifestResult> {
  const { input } = run;
  const carried = input.carried ?? (await downloadAndSplit(run));
  if ('outcome' in carried) return carried;
  const { payload } = carried;
  let { split } = carried;
  identify(run, payload);
  for (;;) {
    run.carried = { payload, split };
    const result = await loadAndSummarise(run, payload, split);
    if (split.failedFileCount === 0) return result;
    split = await afterFailedFiles(run, payload, split);
  }
}

/** The payload is known: show it, and give the current month priority over backfills. */
function identify({ board, priority }: Run, payload: AcceptedPayload): void {
  board.identify(payload);
  priority.key = priorityKeyOf(payload.billingMonth, Date.now());
}

async function loadAndSummarise(
  run: Run,
  payload: AcceptedPayload,
  split: SplitSummary,
): Promise<IngestManifestResult> {
  const { board } = run;
  board.register(split);
  board.progress.rowCount = split.rowCount;
  board.progress.pieceCount = split.pieceCount;
  const { isAnnounced } = await loadPieces(run, { payload, split });
  if (split.failedFileCount === 0) run.answer.success(isAnnounced);
  const { release, months, ...came } = await waitForManifest(run, payload, split);
  const { warnings, reason } = whatNeverCame(came);
  const { manifestUuid, clusterId, schema, sourceUuid } = payload;
  const { fileCount, failedFileCount, rowCount, rejectedRowCount, manifestId } = split;
  const ended = { manifestUuid, clusterId, fileCount, failedFileCount, rowCount, rejectedRowCount, release };
  if (reason !== undefined) {
    board.end('incomplete', reason);
    return { outcome: 'incomplete', reason, ...ended, ...nothingSummarised, warnings, ...board.counted };
  }
  const totals = await summariseMonths(run, payload, months);
  const { orgId, requestId } = run.input;
  await run.activities.short.recordCompletion({
    schema,
    manifestId,
    orgId,
    requestId,
    sourceUuid,
    months,
    steps: board.steps,
  });
  const expired = allExpired(split);
  board.end(expired === undefined ? 'completed' : 'ignored', expired ?? 'done');
  return {
    outcome: expired === undefined ? 'completed' : 'ignored',
    ...(expired === undefined ? {} : { reason: expired }),
    ...ended,
    ...totals,
    ...(split.expired === undefined ? {} : { expiredRowCount: split.expired.rowCount }),
    ...(split.leftOutCount !== undefined && { leftOutCount: split.leftOutCount }),
    warnings: [...split.warnings, ...warnings],
    ...board.counted,
  };
}

const nothingSummarised = { summaryRowCount: 0, costRowCount: 0, validationWarningCount: 0 };

async function summariseMonths(
  run: Run,
  payload: AcceptedPayload,
  months: readonly BillingMonth[],
): Promise<typeof nothingSummarised> {
  const { board, activities, options } = run;
  const { schema, sourceUuid } = payload;
  const total = { ...nothingSummarised };
  for (const month of months) {
    const result = await summariseMonth(
      activities,
      { schema, sourceUuid, month },
      options.loadConcurrency,
      (step) => {
        board.days.enter(step, month);
        board.enter(step, `${month}: ${stepNames[step]}`);
      },
    );
    board.days.enter('completed', month);
    board.progress.daysSummarised += result.dayCount;
    total.summaryRowCount += result.summaryRowCount;
    total.costRowCount += result.costRowCount;
    total.validationWarningCount += result.warningCount;
  }
  return total;
}

/**
 * Files with too many invalid rows, or an unreadable header, keep the previous data of their days; everything else is
 * done by now. An operator decides: skip leaves the files out for good, retry splits the payload again (with other
 * limits). Then all steps run once more and do what is left to do.
 */
async function afterFailedFiles(
  run: Run,
  payload: AcceptedPayload,
  split: SplitSummary,
): Promise<SplitSummary> {
  const { activities, board, decisions, input } = run;
  const failure = ApplicationFailure.create({
    type: split.failure ?? 'TooManyRejectedRows',
    message: split.warnings[0] ?? `${split.failedFileCount} files have too many invalid rows`,
    nonRetryable: true,
  });
  const subject = `${split.failedFileCount} files`;
  const action = await decisions.decide('splitPayload', { subject }, failure, true);
  if (action === 'abandon') throw failure;
  if (action === 'skip') {
    run.answer.withhold();
    await activities.short.skipFiles({ schema: payload.schema, manifestId: split.manifestId });
    return { ...split, failedFileCount: 0 };
  }
  board.enter('splitting', 'splitting again');
  return activities.transfer.splitPayload({ inboxId: input.inboxId, payload });
}

async function downloadAndSplit(run: Run): Promise<CarriedRun | IngestManifestResult> {
  const { board, activities, input } = run;
  const downloaded = await activities.transfer.downloadPayload({ inboxId: input.inboxId });
  if (downloaded.outcome === 'ignored') {
    run.answer.success();
    board.end('ignored', downloaded.reason);
    const { reason, manifestUuid, clusterId } = downloaded;
    const nothing = { fileCount: 0, failedFileCount: 0, rowCount: 0, rejectedRowCount: 0, warnings: [] };
    return {
      outcome: 'ignored',
      reason,
      manifestUuid,
      clusterId,
      ...nothing,
      ...nothingSummarised,
      ...board.counted,
    };
  }
  const { payload } = downloaded;
  identify(run, payload);
  run.rosFiles.start(payload);
  board.enter('splitting', `splitting ${payload.fileCount} files by day`);
  const split = await activities.transfer.splitPayload({ inboxId: input.inboxId, payload });
  return { payload, split };
}

/** @returns whether a message has announced the payload when all pieces are loaded; undefined: it may have */
async function loadPieces(run: Run, carried: CarriedRun): Promise<{ isAnnounced: boolean | undefined }> {
  const { board, activities, input, options } = run;
  const { payload, split } = carried;
  const { schema } = payload;
  board.enter('loading', `loading ${split.pieceCount} pieces`);
  if (split.months.length > 0) await activities.short.ensurePartitions({ schema, months: split.months });
  for (;;) {
    const { pieceIds, days, dayIndexes, isAnnounced } = await activities.short.pendingPieces({
      schema,
      manifestId: split.manifestId,
      requestId: input.requestId,
    });
    board.days.know(days, pieceIds, dayIndexes);
    if (pieceIds.length === 0) return { isAnnounced };
    await inParallel(pieceIds, options.loadConcurrency, async (pieceId) => {
      const rowsLoaded = await loadOrSkip(run, schema, pieceId);
      board.days.loaded(pieceId);
      board.progress.piecesLoaded += 1;
      board.progress.rowsLoaded += rowsLoaded;
      board.say(`loaded ${board.progress.piecesLoaded} of ${split.pieceCount} pieces`);
    });
    // Pages are short compared to the history limits, so checking between two of them is early enough.
    if (workflowInfo().continueAsNewSuggested) {
      await run.rosFiles.settled();
      await run.decisions.settled();
      const carriedOn = { ...carried, progress: board.carry() };
      log.info('the history is long; continuing in a new run', { ...board.about });
      await continueAsNew<typeof ingestManifest>({ ...input, carried: carriedOn });
    }
  }
}

async function loadOrSkip(run: Run, schema: string, pieceId: number): Promise<number> {
  const { activities, ownLoad } = run;
  try {
    return (await ownLoad.loadReportDay({ schema, pieceId })).rowsLoaded;
  } catch (error) {
    passControlFlow(error);
    if (!(error instanceof Skipped)) throw error;
    run.answer.withhold();
    await activities.short.skipFiles({ schema, pieceId });
    return 0;
  }
}

/** Check again after 1 s, doubling, until every file of the manifest has arrived or the waiting time is over. */
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
    if (answer.release !== undefined) {
      return { ...answer, release: answer.release };
    }
    board.enter(
      'waiting',
      `waiting for ${answer.waitingCount} files of the manifest: ${answer.waitingFor.join(', ')}`,
    );
    const waitMs = Math.max(1, Math.min(pauseMs, leftMs));
    await sleep(waitMs);
    board.waited(waitMs);
  }
}
