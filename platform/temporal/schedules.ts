import type { Client, ScheduleDescription, ScheduleOptions, ScheduleUpdateOptions } from '@temporalio/client';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { purgeExpiredScheduleId, sweepStagingScheduleId } from '../../domain/run/cleanup.ts';
import type { PurgeExpiredInput, SweepStagingInput } from '../../domain/run/cleanup.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { watchSettingsScheduleId } from '../../domain/run/watch-settings.ts';
import type { WatchSettingsInput } from '../../domain/run/watch-settings.ts';
import type { Config } from '../config/config.ts';

/** The change to a schedule. */
export interface AppliedSchedule {
  scheduleId: string;
  outcome: 'created' | 'updated';
}

/** A schedule as known to the server. */
export interface ListedSchedule {
  scheduleId: string;
  /** false: it does not exist; then nothing else is known */
  exists: boolean;
  paused: boolean;
  note: string;
  /** ISO 8601; null while paused, or if nothing is planned */
  nextTime: string | null;
  /** the run started last, and how it ended; null if there was none */
  last: { startedAt: string; workflowId: string; status: string } | null;
}

/** A schedule as it should be; the note is the initial one, an operator may replace it. */
type WantedSchedule = Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'policies'> & {
  workflowType: string;
  input: object;
  taskQueue: string;
  note: string;
};

/** Interval at which settings are compared. */
const watchEvery = '5 minutes';
/** Spreads the start of cleanups over installations that share a server. */
const cleanupJitter = '10 minutes';

const scheduleIds = [watchSettingsScheduleId, sweepStagingScheduleId, purgeExpiredScheduleId] as const;

function wantedSchedules(config: Config): WantedSchedule[] {
  const watch: WatchSettingsInput = { delayMs: config.OCP_SETTINGS_DELAY };
  const sweep: SweepStagingInput = { retentionDays: config.STAGING_RETENTION_DAYS };
  const purge: PurgeExpiredInput = {};
  // A missed check is covered by the next one. A missed cleanup is caught up for an hour only: after a long outage,
  // waiting payloads come first.
  const once = { overlap: ScheduleOverlapPolicy.SKIP, pauseOnFailure: false };
  return [
    {
      scheduleId: watchSettingsScheduleId,
      workflowType: 'watchSettings',
      taskQueue: taskQueues.pipeline,
      input: watch,
      spec: { intervals: [{ every: watchEvery }] },
      policies: { ...once, catchupWindow: '1 minute' },
      note: 'Rebuilds the current month of sources whose settings changed',
    },
    {
      scheduleId: sweepStagingScheduleId,
      workflowType: 'sweepStaging',
      taskQueue: taskQueues.pipeline,
      input: sweep,
      spec: {
        calendars: [{ hour: 2, minute: 30, comment: 'each night at 02:30 UTC' }],
        jitter: cleanupJitter,
      },
      policies: { ...once, catchupWindow: '1 hour' },
      note: 'Drops staging partitions that are no longer needed',
    },
    {
      scheduleId: purgeExpiredScheduleId,
      workflowType: 'purgeExpired',
      taskQueue: taskQueues.pipeline,
      input: purge,
      spec: {
        calendars: [{ dayOfMonth: 1, hour: 0, minute: 0, comment: 'on the first of the month at 00:00 UTC' }],
        jitter: cleanupJitter,
      },
      policies: { ...once, catchupWindow: '1 hour' },
      note: 'Removes months older than the retention',
    },
  ];
}

/**
 * Create the pipeline's schedules or update them to the configured values. A schedule that an operator paused stays
 * paused, and keeps the operator's note.
 */
export async function applySchedules(client: Client, config: Config): Promise<AppliedSchedule[]> {
  const applied: AppliedSchedule[] = [];
  for (const wanted of wantedSchedules(config)) applied.push(await applySchedule(client, wanted));
  return applied;
}

async function applySchedule(client: Client, wanted: WantedSchedule): Promise<AppliedSchedule> {
  const { scheduleId, spec, workflowType, taskQueue, input, note } = wanted;
  const schedule: Omit<ScheduleUpdateOptions, 'state'> = {
    spec,
    action: { type: 'startWorkflow', workflowType, workflowId: scheduleId, taskQueue, args: [input] },
    policies: wanted.policies ?? {},
  };
  try {
    await client.schedule.create({ ...schedule, scheduleId, state: { note } });
    return { scheduleId, outcome: 'created' };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule
      .getHandle(scheduleId)
      .update((previous) => ({ ...schedule, state: previous.state }));
    return { scheduleId, outcome: 'updated' };
  }
}

/** The pipeline's schedules as known to the server, in a fixed order, including missing ones. */
export async function listSchedules(client: Client): Promise<ListedSchedule[]> {
  return Promise.all(
    scheduleIds.map(async (scheduleId) => {
      try {
        return await listed(client, await client.schedule.getHandle(scheduleId).describe());
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        return { scheduleId, exists: false, paused: false, note: '', nextTime: null, last: null };
      }
    }),
  );
}

async function listed(client: Client, schedule: ScheduleDescription): Promise<ListedSchedule> {
  const { scheduleId, state, info } = schedule;
  const started = info.recentActions.at(-1);
  const run = started?.action.workflow;
  return {
    scheduleId,
    exists: true,
    paused: state.paused,
    note: state.note ?? '',
    nextTime: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
    last:
      started === undefined || run === undefined
        ? null
        : {
            startedAt: started.takenAt.toISOString(),
            workflowId: run.workflowId,
            status: await statusOf(client, run.workflowId, run.firstExecutionRunId),
          },
  };
}

/** How a run ended, in the server's words; the server forgets a run after its retention. */
async function statusOf(client: Client, workflowId: string, runId: string): Promise<string> {
  try {
    const { status } = await client.workflow.getHandle(workflowId, runId).describe();
    return status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'FORGOTTEN';
    throw error;
  }
}
