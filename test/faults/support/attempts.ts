import { temporal } from '@temporalio/proto';
import type { FaultRun } from './fault-bed.ts';

/** One start of an activity on a worker. */
export interface Attempt {
  activity: string;
  /** 1 for the first */
  attempt: number;
  /** process id of the worker */
  workerPid: number;
  /** does it count as running still? */
  running: boolean;
}

/**
 * Latest attempt of every activity of a run, in the order in which they were asked for. The history has those that
 * ended; what it has no start of yet is pending.
 */
export async function attemptsOf({ handle }: FaultRun): Promise<Attempt[]> {
  const { events } = await handle.fetchHistory();
  const names = new Map(
    (events ?? []).flatMap((event) => {
      const scheduled = event.activityTaskScheduledEventAttributes;
      return scheduled ? [[String(event.eventId), scheduled.activityType?.name ?? ''] as const] : [];
    }),
  );
  const ended = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started
      ? [
          {
            activity: names.get(String(started.scheduledEventId)) ?? '',
            attempt: started.attempt ?? 0,
            workerPid: pidOf(started.identity),
            running: false,
          },
        ]
      : [],
  );
  const { raw } = await handle.describe();
  const pending = (raw.pendingActivities ?? []).map((activity) => ({
    activity: activity.activityType?.name ?? '',
    attempt: activity.attempt ?? 0,
    workerPid: pidOf(activity.lastWorkerIdentity),
    running: activity.state === temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
  }));
  return [...ended, ...pending];
}

/** Workers are called `pid@host` unless they are given a name. */
function pidOf(identity: string | null | undefined): number {
  return Number((identity ?? '').split('@')[0]);
}

/** Why the pending activities of a run failed last. */
export async function lastFailuresOf({ handle }: FaultRun): Promise<string[]> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map((activity) => activity.lastFailure?.message ?? '');
}
