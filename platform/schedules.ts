import type { Client } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { taskQueues } from '../domain/run.ts';
import { watchSettingsScheduleId } from '../domain/watch-settings.ts';
import type { WatchSettingsInput } from '../domain/watch-settings.ts';
import type { Config } from './config.ts';

/** What happened to a schedule. */
export interface AppliedSchedule {
  scheduleId: string;
  outcome: 'created' | 'updated';
}

/** How often settings are compared. */
const watchEvery = '5 minutes';

/**
 * Create the schedules of the pipeline or bring them to the configured values. A schedule that an operator paused
 * stays paused.
 */
export async function applySchedules(client: Client, config: Config): Promise<AppliedSchedule[]> {
  const input: WatchSettingsInput = { delayMs: config.OCP_SETTINGS_DELAY };
  const schedule = {
    spec: { intervals: [{ every: watchEvery }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: 'watchSettings',
      workflowId: watchSettingsScheduleId,
      taskQueue: taskQueues.pipeline,
      args: [input],
    },
    // A missed look is made up for by the next one.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute', pauseOnFailure: false },
  };
  try {
    await client.schedule.create({
      scheduleId: watchSettingsScheduleId,
      ...schedule,
      state: { note: 'Rebuilds the current month of sources whose settings changed' },
    });
    return [{ scheduleId: watchSettingsScheduleId, outcome: 'created' }];
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule
      .getHandle(watchSettingsScheduleId)
      .update((previous) => ({ ...schedule, state: previous.state }));
    return [{ scheduleId: watchSettingsScheduleId, outcome: 'updated' }];
  }
}
