import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { searchAttributes } from './search-attributes.ts';
import type { AcceptedPayload, PipelineState, RunProgress } from '../domain/run.ts';
import type { OpenFailure } from '../domain/decision.ts';
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
    openFailureCount: 0,
    phaseMs: {},
  };
  #since = Date.now();
  #openFailures: OpenFailure[] = [];
  #before: PipelineState = 'downloading';

  constructor() {
    setHandler(progressQuery, () => this.progress, {
      description: 'Phase, rows and pieces so far, and what the run waits for',
    });
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

  /** Replace the line for people. */
  say(detail: string): void {
    const { progress } = this;
    // Other steps may go on beside a blocked one; what they say must not hide that.
    if (progress.state !== 'blocked') progress.detail = detail;
    setCurrentDetails(this.#details());
  }

  #details(): string {
    const { progress } = this;
    const failures = this.#openFailures.flatMap((failure) => [
      `- \`${failure.failureId}\` (${failure.errorType}): ${failure.message}`,
      `  Decide with the Update \`resolveFailure\`: retry${failure.canSkip ? ', skip' : ''} or abandon; fails at ${failure.until}`,
    ]);
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
      ...(failures.length === 0 ? [] : ['', '**Waiting for a decision**', '', ...failures]),
    ].join('\n');
  }

  /** The payload is known: show it and make the run findable by it. */
  identify(payload: AcceptedPayload): void {
    this.progress.clusterId = payload.clusterId;
    this.progress.manifestUuid = payload.manifestUuid;
    upsertSearchAttributes([
      { key: searchAttributes.clusterId, value: payload.clusterId.slice(0, 255) },
      { key: searchAttributes.billingMonth, value: payload.billingMonth },
      { key: searchAttributes.manifestDate, value: new Date(payload.manifestDate) },
    ]);
  }
}
