import type { Client } from '@temporalio/client';
import { taskQueues } from '../domain/run.ts';
import { ConfigInvalid } from './config.ts';

/** A version of the workers, as the server knows it. */
export interface DeployedVersion {
  buildId: string;
  /** current: new runs go to it; draining: older runs are still bound to it; drained: its workers can go */
  state: 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';
}

/** Which version of which deployment. */
export interface VersionOfDeployment {
  deploymentName: string;
  buildId: string;
}

const pauseMs = 1_000;

/**
 * Versions that ever polled, the newest first.
 * @returns an empty list when no versioned worker has polled yet
 */
export async function listVersions(client: Client, deploymentName: string): Promise<DeployedVersion[]> {
  const { workflowService, options } = client;
  try {
    const { workerDeploymentInfo: info } = await workflowService.describeWorkerDeployment({
      namespace: options.namespace,
      deploymentName,
    });
    const current = info?.routingConfig?.currentDeploymentVersion?.buildId;
    const ramping = info?.routingConfig?.rampingDeploymentVersion?.buildId;
    return (info?.versionSummaries ?? []).map(({ deploymentVersion, drainageInfo }) => {
      const buildId = deploymentVersion?.buildId ?? '';
      if (buildId === current) return { buildId, state: 'current' };
      if (buildId === ramping) return { buildId, state: 'ramping' };
      return { buildId, state: drainageStates[drainageInfo?.status ?? 0] ?? 'inactive' };
    });
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** By `VersionDrainageStatus` of the server. */
const drainageStates: readonly DeployedVersion['state'][] = ['inactive', 'draining', 'drained'];

/**
 * Let new runs go to a version; those under way stay with theirs. Waits until workers of the version poll all queues, so
 * that a deploy job may start together with the workers.
 *
 * @param waitMs how long to wait, milliseconds
 * @throws ConfigInvalid naming the queues that nobody of that version polls
 */
export async function setCurrentVersion(
  client: Client,
  version: VersionOfDeployment,
  waitMs: number,
  onWait: (missing: string[]) => void = () => undefined,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const missing = await missingQueues(client, version);
    if (missing.length === 0) break;
    if (Date.now() >= deadline)
      throw new ConfigInvalid(
        `Version ${version.buildId} of ${version.deploymentName}: expected workers on all queues, found none on ` +
          `${missing.join(', ')}; start workers with TEMPORAL_WORKER_BUILD_ID=${version.buildId}`,
      );
    onWait(missing);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, deadline - Date.now())));
  }
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: client.options.namespace,
    ...version,
    identity: client.options.identity,
  });
}

async function missingQueues(client: Client, deploymentVersion: VersionOfDeployment): Promise<string[]> {
  try {
    const { versionTaskQueues } = await client.workflowService.describeWorkerDeploymentVersion({
      namespace: client.options.namespace,
      deploymentVersion,
    });
    const polled = new Set(versionTaskQueues.map(({ name }) => name));
    return Object.values(taskQueues).filter((queue) => !polled.has(queue));
  } catch (error) {
    if (isNotFound(error)) return Object.values(taskQueues);
    throw error;
  }
}

/** gRPC status of "there is no such deployment or version". */
const notFound = 5;

function isNotFound(error: unknown): boolean {
  return (error as { code?: unknown }).code === notFound;
}
