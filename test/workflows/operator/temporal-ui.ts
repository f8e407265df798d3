import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import type { OpenFailure } from '../../../domain/run/decision.ts';
import type { ingestManifest } from '../../../workflows/index.ts';
import type { TestPipeline } from '../../support/pipeline.ts';
import { openFailuresQuery } from '../../../workflows/messages.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** A run of the pipeline. */
export type Run = WorkflowHandle<typeof ingestManifest>;

const { ResetReapplyExcludeType } = proto.temporal.api.enums.v1;
const identity = 'operator@temporal-ui';

/** What the Temporal UI's buttons send to the server, over gRPC. */
export class TemporalUi {
  readonly #pipeline: TestPipeline;

  constructor(pipeline: TestPipeline) {
    this.#pipeline = pipeline;
  }

  get #service() {
    return this.#pipeline.client.workflowService;
  }

  /** "Reset" to a workflow task: `eventId` is that of its completion, which is done again with all that followed. */
  async reset(
    run: Run,
    runId: string,
    eventId: number,
    reapply: 'nothing' | 'signals and updates',
  ): Promise<Run> {
    const { SIGNAL, UPDATE } = {
      SIGNAL: ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
      UPDATE: ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    };
    const { runId: newRunId } = await this.#service.resetWorkflowExecution({
      namespace: this.#pipeline.namespace,
      workflowExecution: { workflowId: run.workflowId, runId },
      workflowTaskFinishEventId: eventId as never,
      resetReapplyExcludeTypes: reapply === 'nothing' ? [SIGNAL, UPDATE] : [],
      requestId: randomUUID(),
      reason: 'test',
      identity,
    });
    return this.#pipeline.client.workflow.getHandle<typeof ingestManifest>(run.workflowId, newRunId);
  }

  /** "Start Workflow Like This One": type, queue, first input payload, search attributes; nothing else is copied. */
  async startLike(run: Run, workflowId: string = run.workflowId): Promise<Run> {
    const { events } = await run.fetchHistory();
    const started = events?.[0]?.workflowExecutionStartedEventAttributes;
    const { raw } = await run.describe();
    const first = started?.input?.payloads?.[0];
    const { runId } = await this.#service.startWorkflowExecution({
      namespace: this.#pipeline.namespace,
      workflowId,
      workflowType: started?.workflowType ?? null,
      taskQueue: { name: started?.taskQueue?.name ?? '' },
      input: { payloads: first === undefined ? [] : [first] },
      searchAttributes: { indexedFields: raw.workflowExecutionInfo?.searchAttributes?.indexedFields ?? {} },
      requestId: randomUUID(),
      identity,
    });
    return this.#pipeline.client.workflow.getHandle<typeof ingestManifest>(workflowId, runId);
  }

  /** "Pause" of a pending activity. */
  async pauseActivity(run: Run, type: string): Promise<void> {
    const id = await this.#activityId(run, type);
    await this.#service.pauseActivity({ ...this.#execution(run), id, identity, reason: 'test' });
  }

  /** "Unpause". */
  async unpauseActivity(run: Run, type: string): Promise<void> {
    const id = await this.#activityId(run, type);
    await this.#service.unpauseActivity({ ...this.#execution(run), id, identity });
  }

  /** "Reset" of a pending activity: its attempts count from 1 again. */
  async resetActivity(run: Run, type: string): Promise<void> {
    const id = await this.#activityId(run, type);
    await this.#service.resetActivity({ ...this.#execution(run), id, identity, resetHeartbeat: true });
  }

  /** Pending activities, as the UI lists them. */
  async pendingActivities(run: Run): Promise<temporal.api.workflow.v1.IPendingActivityInfo[]> {
    return (await run.describe()).raw.pendingActivities ?? [];
  }

  async #activityId(run: Run, type: string): Promise<string> {
    const pending = await this.pendingActivities(run);
    const id = pending.find((activity) => activity.activityType?.name === type)?.activityId;
    if (id == null) throw new Error(`no ${type} is pending`);
    return id;
  }

  #execution(run: Run) {
    return { namespace: this.#pipeline.namespace, execution: { workflowId: run.workflowId } };
  }
}

/** A place in a history to which the UI can reset: a completed workflow task, and what it brought about. */
export interface ResetPoint {
  eventId: number;
  /** what the task did: activities it scheduled, or the end of the run */
  commands: string[];
}

/** All completed workflow tasks of a run. */
export async function resetPoints(run: Run): Promise<ResetPoint[]> {
  const { events } = await run.fetchHistory();
  const points: ResetPoint[] = [];
  for (const event of events ?? []) {
    if (event.workflowTaskCompletedEventAttributes != null)
      points.push({ eventId: Number(event.eventId), commands: [] });
    const scheduled = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (scheduled != null) points.at(-1)?.commands.push(scheduled);
    if (event.workflowExecutionCompletedEventAttributes != null) points.at(-1)?.commands.push('complete');
  }
  return points;
}

/** The completed workflow task that scheduled an activity. */
export async function resetPointBefore(run: Run, activityType: string): Promise<number> {
  const points = await resetPoints(run);
  const found = points.find(({ commands }) => commands.includes(activityType));
  if (found === undefined) throw new Error(`no workflow task scheduled ${activityType}`);
  return found.eventId;
}

/** The run's present id. */
export async function runIdOf(run: Run): Promise<string> {
  return (await run.describe()).runId;
}

/** Wait until a step of the run waits for a decision. */
export async function untilBlocked(run: Pick<Run, 'query'>) {
  let failure: OpenFailure | undefined;
  await waitUntil(async () => {
    [failure] = await run.query(openFailuresQuery);
    return failure !== undefined;
  });
  if (failure === undefined) throw new Error('no failure is open');
  return failure;
}
