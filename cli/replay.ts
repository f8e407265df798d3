import type { Argv } from 'yargs';
import type { DecisionAction } from '../domain/decision.ts';
import { ingestWorkflowId } from '../domain/run.ts';
import { findPayloads } from '../platform/inbox.ts';
import type { ArchivedPayload } from '../platform/inbox.ts';
import type { PipelineWorkers } from '../workers/pipeline.ts';
import { openFailuresQuery, resolveFailureUpdate } from '../workflows/messages.ts';
import type { Command } from './command.ts';
import { followRuns } from './follow-run.ts';
import { endText } from './ingest.ts';
import type { Output } from './output.ts';
import { logFile, openServices, processLogger } from './services.ts';
import type { Services } from './services.ts';
import { restartRun } from './start-run.ts';
import type { StartedRun } from './start-run.ts';
import { stopSignal } from './stop-signal.ts';

interface Options {
  manifest: string;
  org: string | undefined;
  decide: DecisionAction;
  note: string | undefined;
  withWorker: boolean;
}

export const replayCommand: Command<Options> = {
  name: 'replay <manifest>',
  summary: 'Run the archives of a manifest again, or decide about a run that waits for an operator',
  options: (parser): Argv<Options> =>
    parser
      .positional('manifest', {
        type: 'string',
        demandOption: true,
        describe: 'manifest uuid or request id, or its beginning',
      })
      .option('org', { type: 'string', describe: 'organisation id, when several have the manifest' })
      .option('decide', {
        choices: ['retry', 'skip', 'abandon'] as const,
        default: 'retry' as const,
        describe: 'decision about each open failure of a blocked run',
      })
      .option('note', { type: 'string', describe: 'why, for the history of the run' })
      .option('with-worker', {
        type: 'boolean',
        default: false,
        describe: 'run a worker in this process',
      }) as unknown as Argv<Options>,
  run: async (options, output) => {
    const stop = stopSignal();
    const services = await openServices(output.say, { temporal: true, objectStore: true, migrate: 'all' });
    let workers: PipelineWorkers | undefined;
    try {
      const payloads = await findPayloads(services.pool, options.manifest, options.org);
      if (options.withWorker || services.embedded.temporal) {
        processLogger(services.config, 'file');
        output.say(`Worker in this process; its log is ${logFile(services.config)}`);
        workers = await services.startWorkers();
      }
      const runs = await Promise.all(payloads.map((payload) => replay(services, payload, options, output)));
      const ends = await followRuns(output, runs, stop);
      output.result(ends.map(endText).join('\n'), ends);
      return ends.some((end) => end.outcome === 'failed' || end.outcome === 'blocked') ? 1 : 0;
    } finally {
      workers?.stop();
      await workers?.finished;
      await services.close();
    }
  },
};

/** Decide about what a running run waits for; start one that is not running. */
async function replay(
  services: Services,
  payload: ArchivedPayload,
  { decide, note }: Options,
  output: Output,
): Promise<StartedRun> {
  const client = await services.client();
  const workflowId = ingestWorkflowId(payload.orgId, payload.requestId);
  const handle = client.workflow.getHandle(workflowId);
  const status = await handle.describe().then(
    (description) => description.status.name,
    () => 'UNKNOWN',
  );
  if (status === 'RUNNING')
    for (const failure of await handle.query(openFailuresQuery)) {
      const action = decide === 'skip' && !failure.canSkip ? 'retry' : decide;
      const args: [Parameters<typeof describeDecision>[0]] = [
        { failureId: failure.failureId, action, ...(note === undefined ? {} : { note }) },
      ];
      await handle.executeUpdate(resolveFailureUpdate, { args });
      output.say(describeDecision(args[0]));
    }
  return restartRun({ client, pool: services.pool, config: services.config }, payload);
}

function describeDecision(decision: { failureId: string; action: DecisionAction; note?: string }): string {
  return `${decision.action}: ${decision.failureId}`;
}
