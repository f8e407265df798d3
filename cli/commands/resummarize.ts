import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { fairnessKeyOf } from '../../domain/run/priority.ts';
import { settingsWorkflowId } from '../../domain/run/resummarize.ts';
import type { ResummarizeInput } from '../../domain/run/resummarize.ts';
import { taskQueues } from '../../domain/run/run.ts';
import { billingMonth, billingMonthOf, firstDay, lastDay, usageDay } from '../../domain/time/usage-day.ts';
import type { BillingMonth, UsageDay } from '../../domain/time/usage-day.ts';
import { findSource } from '../../platform/tenants/sources.ts';
import type { resummarize } from '../../workflows/index.ts';
import type { Command } from '../command.ts';
import { blockedText, endIdle, followMonth, resume } from '../month-run.ts';
import { withOwnWorker } from '../own-worker.ts';
import { runOptions } from '../../intake/start-workflow.ts';
import { stopSignal } from '../stop-signal.ts';

interface Options {
  org: string;
  cluster: string;
  month: string;
  from: string | undefined;
  to: string | undefined;
  withWorker: boolean;
}

export const resummarizeCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .option('cluster', { type: 'string', demandOption: true, describe: 'cluster id' })
      .option('month', { type: 'string', demandOption: true, describe: 'month, YYYY-MM' })
      .option('from', { type: 'string', describe: 'first day, YYYY-MM-DD (default: the whole month)' })
      .option('to', { type: 'string', describe: 'last day, YYYY-MM-DD' })
      .option('with-worker', {
        type: 'boolean',
        default: false,
        describe: 'run a worker in this process',
      }) as unknown as Argv<Options>,
  run: async (options, output) => {
    const stop = stopSignal();
    const month = billingMonth(options.month);
    const range = dayRangeOf(options, month);
    const { withWorker } = options;
    return withOwnWorker(output, { migrate: 'all', withWorker }, async (services, startWorker) => {
      const source = await findSource(services.pool, options.org, options.cluster);
      await startWorker();
      const { schema, sourceUuid } = source;
      const input: ResummarizeInput = {
        orgId: options.org,
        schema,
        sourceUuid,
        month,
        ...range,
        options: runOptions(services.config),
      };
      output.say(`Rebuilding ${options.cluster}, ${range.from} to ${range.until}`);
      const client = await services.client();
      const workflowId = `resummarize:${options.org}:${sourceUuid}:${range.from}:${range.until}`;
      const handle = await client.workflow.start<typeof resummarize>('resummarize', {
        workflowId,
        workflowIdConflictPolicy: await resume(client, workflowId, output),
        taskQueue: taskQueues.pipeline,
        args: [input],
        priority: { fairnessKey: fairnessKeyOf(options.org) },
        staticSummary: `rebuild ${options.cluster}, ${range.from} to ${range.until}`,
      });
      // Days alone stay on the engine of their month.
      if (range.from === firstDay(month) && range.until === lastDay(month))
        await endIdle(client, settingsWorkflowId(input), output);
      const end = await followMonth<typeof resummarize>(output, handle, stop);
      if (end.outcome === 'blocked') {
        output.result(blockedText(end), end);
        return 1;
      }
      const { result } = end;
      output.result(
        result.daysSummarised === 0
          ? `${options.cluster} has no data of ${range.from} to ${range.until}`
          : `${options.cluster} ${month}: ${result.daysSummarised} days summarised, ${result.summaryRowCount} rows`,
        result,
      );
      return 0;
    });
  },
};

function dayRangeOf(options: Options, month: BillingMonth): { from: UsageDay; until: UsageDay } {
  const from = options.from === undefined ? firstDay(month) : usageDay(options.from);
  const until = options.to === undefined ? lastDay(month) : usageDay(options.to);
  if (billingMonthOf(from) !== month || billingMonthOf(until) !== month || until < from)
    throw new PipelineError(
      'ConfigInvalid',
      `--from ${from} --to ${until}: expected days of ${month}, in order`,
    );
  return { from, until };
}
