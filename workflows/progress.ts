import { setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from './search-attributes.ts';
import type { AcceptedPayload, CarriedProgress, PipelineState, RunProgress } from '../domain/run.ts';
import type { OpenFailure } from '../domain/decision.ts';
import { DayTable, dayTableLines } from './day-table.ts';
import { decisionLines } from './decisions.ts';
import { progressQuery } from './messages.ts';

/** Keeps what the query `progress`, the search attributes and the details in the Temporal UI show. */
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
  #since = Date.now();
  #openFailures: OpenFailure[] = [];
  #before: PipelineState = 'downloading';

  /** @param carried what the run that this one continues as new had come to while it was loading */
  constructor(orgId: string, carried?: CarriedProgress) {
    this.#orgId = orgId;
    if (carried !== undefined)
      Object.assign(this.progress, carried, { state: 'loading', detail: 'going on loading' });
    setHandler(progressQuery, () => ({ ...this.progress, days: this.days.list(this.#openFailures) }), {
      description: 'Phase, rows, pieces and days so far, and what the run waits for',
    });
    // "Start Workflow Like This One" copies the state that the copied run ended with.
    const { typedSearchAttributes: given } = workflowInfo();
    const { pipelineState } = searchAttributes;
    if (given.get(pipelineState) !== this.progress.state)
      upsertSearchAttributes([{ key: pipelineState, value: this.progress.state }]);
  }

  /** Enter a phase; the time spent in the one before is added to it. */
  enter(state: PipelineState, detail: string): void {
    const { progress } = this;
    const now = Date.now();
    progress.phaseMs[progress.state] = (progress.phaseMs[progress.state] ?? 0) + now - this.#since;
    this.#since = now;
    const changed = progress.state !== state;
    progress.state = state;
    progress.detail = detail;
    setCurrentDetails(this.#details());
    if (changed) upsertSearchAttributes([{ key: searchAttributes.pipelineState, value: state }]);
  }

  /** Steps wait for an operator, or no longer: the run is blocked while one does. */
  setOpenFailures(open: OpenFailure[]): void {
    const { progress } = this;
    this.#openFailures = open;
    progress.openFailureCount = open.length;
    const [first] = open;
    if (first === undefined) {
      if (progress.state === 'blocked') this.enter(this.#before, 'going on');
      return;
    }
    if (progress.state !== 'blocked') this.#before = progress.state;
    this.enter('blocked', `${first.step} gave up: ${first.message}`);
  }

  /** What the next run goes on counting from. */
  carry(): CarriedProgress {
    const { piecesLoaded, rowsLoaded, daysSummarised, state } = this.progress;
    this.enter(state, this.progress.detail);
    return { piecesLoaded, rowsLoaded, daysSummarised, phaseMs: this.progress.phaseMs };
  }

  /** Replace the line for people. */
  say(detail: string): void {
    const { progress } = this;
    // Other steps may go on beside a blocked one; what they say must not hide that.
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
    upsertSearchAttributes([
      { key: searchAttributes.orgId, value: this.#orgId },
      { key: searchAttributes.clusterId, value: payload.clusterId.slice(0, 255) },
      { key: searchAttributes.billingMonth, value: payload.billingMonth },
      { key: searchAttributes.manifestDate, value: new Date(payload.manifestDate) },
    ]);
  }
}
