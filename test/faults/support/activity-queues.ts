import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { taskQueues } from '../../../domain/run/run.ts';

/** Let Temporal hand out no activities in a namespace: those that runs ask for stay scheduled. */
export async function stopHandingOut(client: Client): Promise<void> {
  await limitQueues(client, { requestsPerSecond: 0 });
}

/** Undo it. */
export async function handOutAgain(client: Client): Promise<void> {
  await limitQueues(client, null);
}

async function limitQueues(client: Client, rateLimit: { requestsPerSecond: number } | null): Promise<void> {
  for (const taskQueue of Object.values(taskQueues))
    await client.workflowService.updateTaskQueueConfig({
      namespace: client.options.namespace,
      identity: 'fault suite',
      taskQueue,
      taskQueueType: temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
      updateQueueRateLimit: { rateLimit, reason: 'fault suite' },
    });
}
