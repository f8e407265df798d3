import type { Client } from '@temporalio/client';
import { engineQueues, taskQueues } from '../domain/run/run.ts';
import {
  currentVersion,
  listVersions,
  maxPollMs,
  pollersOf,
} from '../platform/temporal/worker-deployment.ts';
import type { VersionOfDeployment } from '../platform/temporal/worker-deployment.ts';
import type { Check } from './checks.ts';
import { howToPoll } from './idle-queue.ts';

/**
 * Check that workers poll for new and for running workflows; the server lists a stopped worker for minutes.
 * @param usesTrino whether there is, or may be, work for the queue of the Trino engine
 */
export async function checkWorkers(
  client: Client,
  deploymentName: string,
  usesTrino: boolean,
): Promise<Check[]> {
  const current = await currentVersion(client, deploymentName);
  const queues = await Promise.all(
    [...Object.values(taskQueues), ...(usesTrino ? [engineQueues.trino] : [])].map((queue) =>
      checkQueue(client, queue, current),
    ),
  );
  return [...queues, ...(await checkPinned(client, deploymentName))];
}

/** What new runs need: workers of the current version if there is one, else workers without a version. */
async function checkQueue(
  client: Client,
  queue: string,
  current: VersionOfDeployment | undefined,
): Promise<Check> {
  const what = `workers on ${queue}`;
  const pollers = await pollersOf(client, queue);
  const recent = pollers.filter(({ at }) => Date.now() - at.getTime() < maxPollMs);
  const taking = recent.filter(({ buildId }) => buildId === current?.buildId);
  const of = current === undefined ? '' : ` of the current version ${current.buildId}`;
  if (taking.length > 0) return { what, ok: true, found: `${taking.length} polling${of}` };
  const others = [...new Set(recent.flatMap(({ buildId }) => buildId ?? []))];
  if (current === undefined && others.length > 0)
    return {
      what,
      ok: false,
      found: `only of versions that are not current: ${others.join(', ')}; they get nothing`,
      repair: `ocp-pipeline deployment set-current ${others[0] ?? ''}`,
    };
  return {
    what,
    ok: false,
    found: `none${of}${pollers.length > recent.length ? `, those listed have not polled for ${maxPollMs / 1_000} s` : ''}`,
    repair:
      current === undefined
        ? howToPoll(queue)
        : `${howToPoll(queue, current.buildId)}; or let another version take new runs: ` +
          'ocp-pipeline deployment set-current',
  };
}

/** Versions without workers to which runs are bound. */
async function checkPinned(client: Client, deploymentName: string): Promise<Check[]> {
  const versions = await listVersions(client, deploymentName);
  return versions
    .filter(({ pinnedRunCount }) => pinnedRunCount > 0)
    .map(({ buildId, state, pinnedRunCount, lastPollAt }): Check => {
      const what = `runs of version ${buildId}`;
      const isPolling = lastPollAt !== null && Date.now() - Date.parse(lastPollAt) < maxPollMs;
      if (isPolling) return { what, ok: true, found: `${pinnedRunCount} under way` };
      return {
        what,
        ok: false,
        found: `${pinnedRunCount} under way, and no worker of that version runs`,
        repair:
          `start one with TEMPORAL_WORKER_BUILD_ID=${buildId}` +
          (state === 'current' ? '' : `, or move them: ocp-pipeline deployment move ${buildId}`),
      };
    });
}
