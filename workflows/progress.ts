import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { searchAttributes } from './search-attributes.ts';
import type { AcceptedPayload, PipelineState, RunProgress } from '../domain/run.ts';
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
    phaseMs: {},
  };
  #since = Date.now();

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
    this.say(detail);
    if (changed) upsertSearchAttributes([{ key: searchAttributes.pipelineState, value: state }]);
  }

  /** Replace the line for people. */
  say(detail: string): void {
    this.progress.detail = detail;
    const { progress } = this;
    setCurrentDetails(
      [
        `**${progress.state}**: ${detail}`,
        '',
        '| | |',
        '|---|---|',
        `| cluster | ${progress.clusterId ?? '?'} |`,
        `| manifest | ${progress.manifestUuid ?? '?'} |`,
        `| pieces loaded | ${progress.piecesLoaded} of ${progress.pieceCount} |`,
        `| rows loaded | ${progress.rowsLoaded} |`,
        `| days summarised | ${progress.daysSummarised} |`,
      ].join('\n'),
    );
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
