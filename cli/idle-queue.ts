import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import { engineQueues } from '../domain/run/run.ts';
import { isPolled } from '../platform/temporal/worker-deployment.ts';
import type { QueueClient } from '../platform/temporal/worker-deployment.ts';

const { PENDING_ACTIVITY_STATE_SCHEDULED } = proto.temporal.api.enums.v1.PendingActivityState;

/** Engine and command for its queue. */
const engineOfQueue: ReadonlyMap<string, string> = new Map([[engineQueues.trino, 'the Trino engine']]);

/** How to get workers that poll a queue, of a version if one is current. */
export function howToPoll(queue: string, buildId?: string): string {
  const settings = [
    ...(queue === engineQueues.trino ? ['TRINO_URL'] : []),
    ...(buildId === undefined ? [] : [`TEMPORAL_WORKER_BUILD_ID=${buildId}`]),
  ];
  return `start one${settings.length === 0 ? '' : ` with ${settings.join(' and ')}`}: ocp-pipeline worker`;
}

/** What takes a payload that waits for an engine to the one that its month is moved to. */
export const freesPayload =
  'resummarize its months, then replay it: ocp-pipeline replay MANIFEST --from load';
/** The same for a run of a month. */
export const freesMonth = 'then rebuild the month: ocp-pipeline resummarize';

/**
 * Why the activities of a run do not begin: one of them waits on the queue of an engine that no worker polls. Such a
 * wait has no limit, and moving the tenant to another engine does not end it, so whoever looks at the run is told.
 *
 * @param freedBy what ends the wait after the tenant was moved
 * @returns undefined if there is no such wait
 */
export async function idleEngine(
  client: QueueClient,
  activities: readonly temporal.api.workflow.v1.IPendingActivityInfo[],
  freedBy: string,
): Promise<string | undefined> {
  const waiting = activities.filter(({ state }) => state === PENDING_ACTIVITY_STATE_SCHEDULED);
  for (const queue of new Set(waiting.map(({ activityOptions }) => activityOptions?.taskQueue?.name ?? ''))) {
    const engine = engineOfQueue.get(queue);
    if (engine !== undefined && !(await isPolled(client, queue)))
      return (
        `waiting for a worker of ${engine}: none polls ${queue}; nothing is lost, ${howToPoll(queue)}; ` +
        `or give the engine up: ocp-pipeline tenant set ORG engine=postgres shadow=, ${freedBy}`
      );
  }
  return undefined;
}

/** An organisation in shadow whose days nobody compares at present. */
export interface IdleShadow {
  orgId: string;
  /** why, and what to do */
  problem: string;
}

/**
 * Which organisations in shadow are not compared because no worker polls the queue: their runs end without it, and
 * leave nothing in the tables that says so.
 *
 * @param orgIds those in shadow
 */
export async function idleShadows(client: QueueClient, orgIds: readonly string[]): Promise<IdleShadow[]> {
  const queue = engineQueues.trino;
  if (await isPolled(client, queue)) return [];
  const problem =
    `in shadow, but its days are not compared: no worker polls ${queue}; ${howToPoll(queue)}; ` +
    'then compare what came meanwhile: ocp-pipeline resummarize';
  return orgIds.map((orgId) => ({ orgId, problem }));
}
