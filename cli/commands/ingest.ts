import { createReadStream } from 'node:fs';
import type { Argv } from 'yargs';
import { parseManifest } from '../../domain/payload/manifest.ts';
import { workedMs } from '../../domain/run/work.ts';
import { openPayload } from '../../payload/payload-source.ts';
import { scanPayloadArchive } from '../../payload/archive.ts';
import { registerSource, tenantSchemaOf } from '../../platform/tenants/sources.ts';
import { matchSource } from '../../platform/tenants/tenant.ts';
import type { Command } from '../command.ts';
import { followRuns } from '../follow-run.ts';
import type { RunEnd } from '../follow-run.ts';
import { formatDuration, formatNumber } from '../output.ts';
import type { Output } from '../output.ts';
import { withOwnWorker } from '../own-worker.ts';
import { migrationLog } from '../services.ts';
import type { Services } from '../services.ts';
import { isRemote } from '../../intake/payload-address.ts';
import { localPath, startRun } from '../../intake/start-run.ts';
import type { StartedRun } from '../../intake/start-run.ts';
import { stopSignal } from '../stop-signal.ts';

interface Options {
  payload: string[];
  org: string;
  register: boolean;
  follow: boolean | undefined;
  withWorker: boolean;
  again: boolean;
  requestId: string | undefined;
}

export const ingestCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .positional('payload', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'path of a tar.gz archive, or an s3:, http: or https: address',
      })
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .option('register', {
        type: 'boolean',
        default: false,
        describe: 'register the cluster if it is unknown',
      })
      .option('follow', {
        type: 'boolean',
        describe: 'wait until the run ends (default on a terminal, always with a worker in this process)',
      })
      .option('with-worker', { type: 'boolean', default: false, describe: 'run a worker in this process' })
      .option('again', {
        type: 'boolean',
        default: false,
        describe: 'run again even if this payload was ingested before',
      })
      .option('request-id', {
        type: 'string',
        describe: 'ingress request id (one payload only; default: its SHA-256)',
      })
      .check(({ payload, requestId }) => {
        if (requestId !== undefined && payload.length > 1)
          throw new Error('--request-id goes with one payload');
        return true;
      }) as unknown as Argv<Options>,
  run: async (options, output) => {
    const stop = stopSignal();
    // Before servers are started for it.
    for (const payload of options.payload) if (!isRemote(payload)) localPath(payload);
    tenantSchemaOf(options.org);
    const { withWorker } = options;
    return withOwnWorker(output, { migrate: 'public', withWorker }, async (services, startWorker) => {
      const follow = (await startWorker()) || (options.follow ?? output.terminal);
      return ingestAll(services, options, output, follow, stop);
    });
  },
};

async function ingestAll(
  services: Services,
  options: Options,
  output: Output,
  follow: boolean,
  stop: AbortSignal,
): Promise<number> {
  const client = await services.client();
  const { pool, objectStore, config } = services;
  if (options.register)
    for (const payload of options.payload)
      await registerCluster(services, { orgId: options.org, payload }, output, stop);
  stop.throwIfAborted();
  const runs = await Promise.all(
    options.payload.map((payload) =>
      startRun(
        { client, pool, objectStore, config },
        {
          orgId: options.org,
          payload,
          again: options.again,
          ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
        },
      ),
    ),
  );
  for (const { payload, startedBecause } of runs)
    if (startedBecause !== undefined) output.say(`${payload}: ${startedBecause}`);
  if (!follow) {
    output.result(
      runs.map(startText).join('\n'),
      runs.map(({ payload, handle, earlier, joined }) => ({
        payload,
        workflowId: handle.workflowId,
        alreadyIngested: earlier !== undefined,
        alreadyRunning: joined !== undefined,
        blocked: joined?.blocked === true,
      })),
    );
    return runs.some(({ joined }) => joined?.blocked === true) ? 1 : 0;
  }
  const ends = await followRuns(output, runs, stop);
  output.result(ends.map(endText).join('\n'), ends);
  return ends.some(({ outcome }) => !wentThrough.has(outcome)) ? 1 : 0;
}

/** The result for a payload that nobody waits for. */
function startText({ payload, handle, earlier, joined }: StartedRun): string {
  const { workflowId } = handle;
  if (earlier !== undefined) return `${payload}: already ingested ${workflowId}`;
  if (joined === undefined) return `${payload}: started ${workflowId}`;
  return joined.blocked
    ? `${payload}: nothing was started: ${workflowId} is blocked and waits for a decision (${howToDecide(workflowId)})`
    : `${payload}: nothing was started: ${workflowId} is running already`;
}

function howToDecide(workflowId: string): string {
  const requestId = workflowId.split(':').at(-1) ?? '';
  return `retry, skip or abandon: ocp-pipeline replay ${requestId} --help, or in the Temporal UI`;
}

/** Outcomes that need no action: an ignored payload is not for us. */
export const wentThrough: ReadonlySet<RunEnd['outcome']> = new Set([
  'completed',
  'ignored',
  'already ingested',
]);

function count(n: number, what: string): string {
  const plural = what.endsWith('y') && what !== 'day' ? `${what.slice(0, -1)}ies` : `${what}s`;
  return `${formatNumber(n)} ${n === 1 ? what : plural}`;
}

/** The outcome of a payload, for people. */
export function endText(end: RunEnd): string {
  if (end.outcome === 'failed') return `${end.payload}: failed (${end.errorType}): ${end.message}`;
  if (end.outcome === 'blocked') {
    return [
      `${end.payload}: blocked, waiting for a decision (${howToDecide(end.workflowId)})`,
      ...end.failures.map((failure) => `  ${failure.failureId} (${failure.errorType}): ${failure.message}`),
    ].join('\n');
  }
  const { result } = end;
  if (end.outcome === 'ignored' || end.outcome === 'incomplete')
    return `${end.payload}: ${end.outcome}: ${result.reason ?? ''}`;
  const rejected = result.rejectedRowCount > 0 ? `, ${count(result.rejectedRowCount, 'row')} rejected` : '';
  const { expiredRowCount = 0 } = result;
  const expired = expiredRowCount > 0 ? `, ${count(expiredRowCount, 'row')} expired` : '';
  const leftOut =
    (result.leftOutCount ?? 0) > 0 ? `, ${count(result.leftOutCount ?? 0, 'value')} left out` : '';
  const summarised =
    result.daysSummarised === 0
      ? 'every day was up to date'
      : `${count(result.daysSummarised, 'day')} summarised (${count(result.summaryRowCount, 'row')})`;
  const lines = [
    `${end.payload}: ${end.outcome}: manifest ${result.manifestUuid ?? ''}, ` +
      `${count(result.rowCount, 'row')}${rejected}${expired}${leftOut}, ` +
      `${summarised} in ${formatDuration(workedMs(result.phaseMs))} of work`,
    ...(result.validationWarningCount > 0
      ? [
          `  warning: ${count(result.validationWarningCount, 'discrepancy')} between daily relations and summaries; ` +
            `see ocp-pipeline status ${result.manifestUuid ?? ''}`,
        ]
      : []),
    ...result.warnings.map((warning) => `  warning: ${warning}`),
  ];
  return lines.join('\n');
}

/**
 * Read the cluster id from the payload and register it if it is unknown. Invalid payloads are left to the run, which
 * refuses them. Local addresses are read too: the person who runs the command gave them.
 *
 * @throws the signal's reason if it aborts: nothing is registered or started then
 */
async function registerCluster(
  services: Services,
  { orgId, payload }: { orgId: string; payload: string },
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { S3_ENDPOINT: endpoint, S3_REGION: region } = services.config;
  const open = async () =>
    isRemote(payload)
      ? openPayload(payload, { signal, s3: { endpoint, region } })
      : createReadStream(localPath(payload), { signal });
  const manifest = await open()
    .then((stream) => scanPayloadArchive(stream, { signal }))
    .then((scan) => parseManifest(scan.manifest))
    .catch(() => undefined);
  signal.throwIfAborted();
  if (manifest === undefined) return;
  if ((await matchSource(services.pool, orgId, manifest.clusterId)) !== undefined) return;
  signal.throwIfAborted();
  const { pool, databaseUrl } = services;
  await registerSource(
    { pool, databaseUrl, log: migrationLog(output.say) },
    { orgId, clusterId: manifest.clusterId, name: manifest.clusterId },
  );
  output.say(`Registered cluster ${manifest.clusterId} of organisation ${orgId}`);
}
