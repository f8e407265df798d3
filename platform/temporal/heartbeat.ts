import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import type { PurgedCounts } from '../../domain/run/cleanup.ts';

/** Heartbeat interval of a long step; well below the heartbeat timeout of 30 s. */
const heartbeatEveryMs = 5_000;

/**
 * Heartbeat on a timer while `work` runs, with the latest details that it reported. This is also how a cancelled or
 * paused attempt finds out: `signal` aborts.
 */
export async function withHeartbeat<T>(
  work: (report: (details: HeartbeatDetails) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  // Each open object listens for the abort, up to a month of days at once: not a leak to warn about.
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

/** Contents of heartbeats, for progress lines. No work resumes from them: the ledger records what is done. */
export interface HeartbeatDetails {
  file?: string;
  rows?: number;
  bytes?: number;
  /** query of Trino that runs: the next attempt ends it first */
  queryId?: string;
  /** what a purge has removed: the next attempt continues counting from there */
  counts?: PurgedCounts;
}
