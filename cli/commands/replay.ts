import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { Argv } from 'yargs';
import type { DecisionAction } from '../../domain/run/decision.ts';
import { PipelineError } from '../../domain/failures/failures.ts';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import { findPayloads } from '../../payload/inbox.ts';
import type { ArchivedPayload } from '../../payload/inbox.ts';
import { resolveFailures } from '../../payload/open-failures.ts';
import type { ingestManifest } from '../../workflows/index.ts';
import type { Command } from '../command.ts';
import { decideAll } from '../decide.ts';
import { describeFailure } from '../failure.ts';
import { followRuns } from '../follow-run.ts';
import type { RunEnd } from '../follow-run.ts';
import { endText, wentThrough } from './ingest.ts';
import { blockedText, findMonthRun, followMonth } from '../month-run.ts';
import type { MonthWorkflow } from '../month-run.ts';
import type { Output } from '../output.ts';
import { withOwnWorker } from '../own-worker.ts';
import { resetPhases, resetRun } from '../reset-run.ts';
import type { ResetPhase } from '../reset-run.ts';
import type { Services } from '../services.ts';
import { restartRun } from '../../intake/start-run.ts';
import type { StartedRun } from '../../intake/start-run.ts';
import { stopSignal } from '../stop-signal.ts';

interface Options {
  manifest: string;
  org: string | undefined;
  decide: DecisionAction | undefined;
  from: ResetPhase | undefined;
  note: string | undefined;
  dismiss: boolean | undefined;
  withWorker: boolean;
}

export const replayCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .positional('manifest', {
        type: 'string',
        demandOption: true,
        describe:
          'manifest uuid or request id, or a prefix of it; or the workflow id of a blocked run of a month',
      })
      .option('org', { type: 'string', describe: 'organisation id, if several have this manifest' })
      .option('decide', {
        type: 'string',
        choices: ['retry', 'skip', 'abandon'] as const,
        describe: 'decision on every open failure of a blocked run (default if it is blocked: retry)',
      })
      .option('from', {
        type: 'string',
        choices: Object.keys(resetPhases) as ResetPhase[],
        conflicts: 'decide',
        describe: 'reset the last run to this phase and repeat everything from there',
      })
      // No default: yargs would treat it as given together with the others.
      .option('dismiss', {
        type: 'boolean',
        conflicts: ['decide', 'from'],
        describe: 'mark a failed payload as not to be replayed; it stops alerting',
      })
      .option('note', { type: 'string', describe: 'reason, recorded in the history of the run' })
      .option('with-worker', {
        type: 'boolean',
        default: false,
        describe: 'run a worker in this process',
      }) as unknown as Argv<Options>,
  run: async (options, output) => {
    const stop = stopSignal();
    const { withWorker } = options;
    return withOwnWorker(output, { migrate: 'all', withWorker }, async (services, startWorker) => {
      const payloads = await findPayloads(services.pool, options.manifest, options.org).catch(
        async (error: unknown) => {
          const run = await monthRunOf(services, options.manifest);
          if (run === undefined) throw error;
          return run;
        },
      );
      if (!Array.isArray(payloads)) {
        await startWorker();
        return await replayMonth(services, payloads, options, { output, stop });
      }
      if (options.dismiss === true) return await dismiss(services, payloads, output);
      await startWorker();
      const runs = await Promise.all(payloads.map((payload) => replay(services, payload, options, output)));
      const ends = await followRuns(output, runs, stop);
      output.result(ends.map(endText).join('\n'), ends);
      const isDone = ({ outcome }: RunEnd) =>
        options.decide === 'abandon' ? outcome === 'failed' : wentThrough.has(outcome);
      return ends.every(isDone) ? 0 : 1;
    });
  },
};

/** Nothing is started: failures that will not be replayed are no longer open. */
async function dismiss(
  { pool }: Services,
  payloads: readonly ArchivedPayload[],
  output: Output,
): Promise<number> {
  let count = 0;
  for (const payload of payloads) count += await resolveFailures(pool, payload, 'dismissed');
  output.result(
    count === 0 ? 'No failure of it is open' : `${count} failures dismissed: they no longer alert`,
    { dismissedCount: count },
  );
  return 0;
}

/** Reset a run, resolve what a running one waits for, or start one that is not running. */
async function replay(
  services: Services,
  payload: ArchivedPayload,
  options: Options,
  output: Output,
): Promise<StartedRun> {
  const client = await services.client();
  const { requestId } = payload;
  const workflowId = ingestWorkflowId(payload.orgId, requestId);
  if (options.from !== undefined)
    return {
      payload: requestId,
      handle: await resetRun(client, workflowId, options.from),
    };
  const handle = client.workflow.getHandle<typeof ingestManifest>(workflowId);
  const status = await handle.describe().then(
    (description) => description.status.name,
    (error: unknown) => {
      // The server forgets runs after the retention of its namespace; the archive still exists.
      if (error instanceof WorkflowNotFoundError) return 'NOT FOUND';
      throw error;
    },
  );
  // A run that was just abandoned must not be started again: a running one is followed to its end, whatever that is.
  if (status === 'RUNNING') {
    await decideAll(client, workflowId, options, output);
    return { payload: requestId, handle };
  }
  if (options.decide !== undefined)
    throw new PipelineError(
      'ConfigInvalid',
      `${workflowId} is not running (${status}): nothing waits for a decision; without --decide it is started again`,
    );
  return restartRun({ client, pool: services.pool, config: services.config }, payload);
}

/** The run of a month with this id, if there is one and Temporal says so; it refuses what cannot be an id. */
async function monthRunOf(services: Services, id: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await findMonthRun(await services.client(), id);
  } catch {
    return undefined;
  }
}

/** Resolve what the run of a month waits for, and follow it. */
async function replayMonth(
  services: Services,
  { workflowId, status }: WorkflowExecutionDescription,
  options: Options,
  { output, stop }: { output: Output; stop: AbortSignal },
): Promise<number> {
  const { from, dismiss: dismissed } = options;
  if (from !== undefined || dismissed === true)
    throw new PipelineError(
      'ConfigInvalid',
      `${workflowId} is the run of a month: --from and --dismiss are for manifests`,
    );
  if (status.name !== 'RUNNING')
    throw new PipelineError(
      'ConfigInvalid',
      `${workflowId} is not running (${status.name}): nothing waits for a decision; ` +
        'ocp-pipeline resummarize rebuilds a month',
    );
  const client = await services.client();
  await decideAll(client, workflowId, options, output);
  const handle = client.workflow.getHandle<MonthWorkflow>(workflowId);
  try {
    const end = await followMonth(output, handle, stop);
    if (end.outcome === 'blocked') output.result(blockedText(end), end);
    else output.result(`${workflowId}: completed`, { workflowId, ...end });
    return end.outcome === 'completed' && options.decide !== 'abandon' ? 0 : 1;
  } catch (error) {
    stop.throwIfAborted();
    const { errorType, message } = describeFailure(error);
    output.result(`${workflowId}: failed (${errorType}): ${message}`, {
      workflowId,
      outcome: 'failed',
      errorType,
      message,
    });
    return options.decide === 'abandon' ? 0 : 1;
  }
}
