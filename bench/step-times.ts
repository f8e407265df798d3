import type { WorkflowHandle } from '@temporalio/client';

/**
 * How long a step of a closed run took, from when it was scheduled to when it was completed, all its months together,
 * milliseconds; 0 when the run has no such step.
 */
export async function stepMs(handle: WorkflowHandle, activity: string): Promise<number> {
  const { events } = await handle.fetchHistory();
  const scheduledAt = new Map<string, number>();
  let total = 0;
  for (const event of events ?? []) {
    const at = Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
    if (event.activityTaskScheduledEventAttributes?.activityType?.name === activity)
      scheduledAt.set(String(event.eventId), at);
    const from = scheduledAt.get(String(event.activityTaskCompletedEventAttributes?.scheduledEventId));
    if (from !== undefined) total += at - from;
  }
  return total;
}
