import {
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { searchAttributes } from './search-attributes.ts';
import type {
  AcceptedPayload,
  CarriedProgress,
  PipelineState,
  RunProgress,
  SplitSummary,
} from '../domain/run/run.ts';
import type { LogContext } from '../domain/run/log-context.ts';
import { firstDay, lastDay } from '../domain/time/usage-day.ts';
import { workBySteps } from '../domain/run/work.ts';
import type { Activities } from '../activities/index.ts';
import type { OpenFailure } from '../domain/run/decision.ts';
import { DayTable, dayTableLines } from './day-table.ts';
import { decisionLines } from './decisions.ts';
import { progressQuery } from './messages.ts';
import { WorkClock } from './work-clock.ts';

/** States that are not phases of work. */
const quietStates: ReadonlySet<PipelineState> = new Set([
  'blocked',
  'completed',
  'incomplete',
  'ignored',
  'failed',
  'cancelled',
]);

/** Maintains what the query `progress`, the search attributes and the details in the Temporal UI show. */
export class ProgressBoard {
  readonly progress: RunProgress = {
    state: 'downloading',
    detail: 'fetching the payload',
    rowCount: 0,
    piecesLoaded: 0,
    pieceCount: 0,
    rowsLoaded: 0,
    waitingFor: [],
    daysSummarised: 0,
    days: [],
    openFailureCount: 0,
    phaseMs: {},
  };
  readonly days = new DayTable();
  readonly #orgId: string;
  readonly #clock: WorkClock;
  #about: LogContext = {};
  #blockedSince = 0;
  #openFailures: OpenFailure[] = [];
  #before: PipelineState = 'downloading';

  /** @param carried progress of the run that this one continues as new, up to then */
  constructor(orgId: string, carried?: CarriedProgress) {
    this.#orgId = orgId;
    this.#clock = new WorkClock(carried?.work);
    if (carried !== undefined) {
      const { piecesLoaded, rowsLoaded, daysSummarised, phaseMs } = carried;
      const counted = { piecesLoaded, rowsLoaded, daysSummarised, phaseMs };
      Object.assign(this.progress, counted, { state: 'loading', detail: 'continuing to load' });
    }
    const { state: phase, detail } = this.progress;
    log.info(`phase ${phase}`, { phase, detail });
    setHandler(progressQuery, () => ({ ...this.progress, days: this.days.list(this.#openFailures) }), {
      description: 'Phase, rows, pieces and days so far, and what the run waits for',
    });
    // "Start Workflow Like This One" copies the final state of the copied run.
    const { typedSearchAttributes: given } = workflowInfo();
    const { pipelineState } = searchAttributes;
    if (given.get(pipelineState) !== this.progress.state)
      upsertSearchAttributes([{ key: pipelineState, value: this.progress.state }]);
  }

  /** What the run is about, as far as it is known, as fields of a log line. */
  get about(): LogContext {
    return this.#about;
  }

  /** Enter a phase. */
  enter(state: PipelineState, detail: string): void {
    const { progress } = this;
    const changed = progress.state !== state;
    if (changed && progress.state === 'blocked') this.#add('blocked', Date.now() - this.#blockedSince);
    if (changed && state === 'blocked') this.#blockedSince = Date.now();
    progress.state = state;
    progress.detail = detail;
    setCurrentDetails(this.#details());
    if (!changed) return;
    upsertSearchAttributes([{ key: searchAttributes.pipelineState, value: state }]);
    // Blocked steps and the end of a run have their own log lines, which say more.
    if (!quietStates.has(state)) log.info(`phase ${state}`, { phase: state, detail, ...this.#about });
  }

  /** The run ends: nothing waits for a decision any more, whatever was open. */
  end(state: PipelineState, detail: string): void {
    this.#openFailures = [];
    this.progress.openFailureCount = 0;
    this.enter(state, detail);
  }

  /** An activity has ended: its work counts for its phase. */
  worked(activity: keyof Activities, result: unknown): void {
    const phase = this.#clock.note(activity, result);
    if (phase !== undefined) this.progress.phaseMs[phase] = this.#clock.work(phase)?.ms ?? 0;
  }

  /** The run has waited for files of its manifest. */
  waited(ms: number): void {
    this.#add('waiting', ms);
  }

  #add(state: 'waiting' | 'blocked', ms: number): void {
    const { phaseMs } = this.progress;
    phaseMs[state] = (phaseMs[state] ?? 0) + ms;
  }

  /** Work of each of Koku's steps so far. */
  get steps(): ReturnType<typeof workBySteps> {
    return workBySteps(this.#clock.byPhase());
  }

  /** Steps start or stop waiting for an operator: the run is blocked while one does. */
  setOpenFailures(open: OpenFailure[]): void {
    const { progress } = this;
    this.#openFailures = open;
    progress.openFailureCount = open.length;
    const [first] = open;
    if (first === undefined) {
      if (progress.state === 'blocked') this.enter(this.#before, 'continuing');
      return;
    }
    if (progress.state !== 'blocked') this.#before = progress.state;
    this.enter('blocked', `${first.step} gave up: ${first.message}`);
  }

  /** The counts for the result. */
  get counted(): Pick<RunProgress, 'rowsLoaded' | 'daysSummarised' | 'phaseMs'> {
    const { rowsLoaded, daysSummarised, phaseMs } = this.progress;
    return { rowsLoaded, daysSummarised, phaseMs };
  }

  /** The counts from which the next run continues. */
  carry(): CarriedProgress {
    return { ...this.counted, piecesLoaded: this.progress.piecesLoaded, work: this.#clock.byPhase() };
  }

  /** Replace the status line. */
  say(detail: string): void {
    const { progress } = this;
    // Other steps may continue while one is blocked; their status must not hide that.
    if (progress.state !== 'blocked') progress.detail = detail;
    setCurrentDetails(this.#details());
  }

  #details(): string {
    const { progress } = this;
    return [
      `**${progress.state}**: ${progress.detail}`,
      '',
      '| | |',
      '|---|---|',
      `| cluster | ${progress.clusterId ?? '?'} |`,
      `| manifest | ${progress.manifestUuid ?? '?'} |`,
      `| pieces loaded | ${progress.piecesLoaded} of ${progress.pieceCount} |`,
      `| rows loaded | ${progress.rowsLoaded} |`,
      `| days summarised | ${progress.daysSummarised} |`,
      ...dayTableLines(this.days.list(this.#openFailures)),
      ...decisionLines(this.#openFailures),
    ].join('\n');
  }

  /** The payload is known: show it and make the run findable by it. */
  identify(payload: AcceptedPayload): void {
    this.progress.clusterId = payload.clusterId;
    this.progress.manifestUuid = payload.manifestUuid;
    const { billingMonth } = payload;
    this.#about = {
      provider_uuid: payload.sourceUuid,
      cluster_id: payload.clusterId,
      start_date: firstDay(billingMonth),
      end_date: lastDay(billingMonth),
    };
    upsertSearchAttributes([
      { key: searchAttributes.orgId, value: this.#orgId },
      { key: searchAttributes.clusterId, value: payload.clusterId.slice(0, 255) },
      { key: searchAttributes.billingMonth, value: payload.billingMonth },
      { key: searchAttributes.manifestDate, value: new Date(payload.manifestDate) },
    ]);
  }
  /** The ledger knows the manifest. */
  register({ manifestId, months }: SplitSummary): void {
    const [first, last] = [months[0], months.at(-1)];
    this.#about = {
      ...this.#about,
      manifest_id: manifestId,
      ...(first === undefined || last === undefined
        ? {}
        : { start_date: firstDay(first), end_date: lastDay(last) }),
    };
  }
}
