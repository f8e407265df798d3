import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import type { PurgedCounts } from '../../domain/run/cleanup.ts';

/** How often a long step says that it lives; well below the heartbeat timeout of 30 s. */
const heartbeatEveryMs = 5_000;

/**
 * Heartbeat on a timer while `work` runs, with the latest details it reported.
 * Also how a cancelled or paused attempt learns of it: `signal` aborts.
 */
export async function withHeartbeat<T>(
  work: (report: (details: HeartbeatDetails) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  // Each open object listens for the abort, a month of days at a time: no leak to be warned of.
  setMaxListeners(0, context.cancellationSignal);
  let latest: HeartbeatDetails = {};
  const timer = setInterval(() => {
    context.heartbeat(latest);
  }, heartbeatEveryMs);
  try {
    return await work((details) => {
      latest = details;
    }, context.cancellationSignal);
  } catch (error) {
    // The last details go with the failure: the server has them before the next attempt asks.
    if (Object.keys(latest).length > 0) context.heartbeat(latest);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** What heartbeats carry, for progress lines; no work resumes from them: the ledger says what is done. */
export interface HeartbeatDetails {
  file?: string;
  rows?: number;
  bytes?: number;
  /** what a purge has removed: the next attempt counts on from there */
  counts?: PurgedCounts;
}
