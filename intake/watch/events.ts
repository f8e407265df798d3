import type { IngestManifestResult, PipelineState } from '../../domain/run/run.ts';
import type { OpenFailure } from '../../domain/run/decision.ts';

/** How a dropped file ended. */
export type DropOutcome =
  /** its run ended so */
  | 'completed'
  | 'ignored'
  | 'incomplete'
  | 'failed'
  /** its bytes were ingested before: nothing was started */
  | 'known'
  /** it is no payload: nothing was started */
  | 'refused';

/** A dropped file, for people and machines. */
export interface DropName {
  orgId: string;
  /** its name, now */
  file: string;
  /** the folder in which it was dropped, or its place in a bucket */
  place: string;
}

/** A dropped file that is in the inbox. */
export interface TakenName extends DropName {
  requestId: string;
  workflowId: string;
}

/** What a watcher has to say. */
export type WatchEvent =
  | ({ event: 'taken'; known: boolean } & TakenName)
  | ({ event: 'followed again' } & TakenName)
  | ({ event: 'state'; state: PipelineState } & TakenName)
  | ({ event: 'blocked'; failures: OpenFailure[] } & TakenName)
  | ({
      event: 'ended';
      outcome: DropOutcome;
      /** one sentence, as it is in the note */
      sentence: string;
      movedTo: 'done' | 'failed';
      workflowId?: string;
      result?: IngestManifestResult;
      errorType?: string;
    } & DropName)
  /** it stays where it is, for now */
  | ({ event: 'left alone'; problem: string } & DropName)
  /** a folder that is not watched, for now */
  | { event: 'not watched'; place: string; problem: string }
  | { event: 'watching'; place: string; orgId: string }
  /** a server is away; said once until `servers are back` */
  | { event: 'waiting for servers'; errorType: string; problem: string }
  | { event: 'servers are back' };

/** Outcomes after which there is nothing to do. */
export const goodOutcomes: ReadonlySet<DropOutcome> = new Set(['completed', 'ignored', 'known']);
