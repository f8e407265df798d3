import { PipelineError } from '../domain/failures/failures.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/**
 * "Now" of a cleanup: `OCP_NOW` if set, else the time its run was started for, else the system clock.
 * @throws PipelineError `ConfigInvalid` (not retried) if that time is invalid
 */
export function cleanUpTime(deps: Pick<ActivityDependencies, 'config' | 'now'>, nowIso?: string): Date {
  if (nowIso === undefined || deps.config.OCP_NOW !== undefined) return deps.now();
  const time = new Date(nowIso);
  if (Number.isNaN(time.getTime()))
    throw new PipelineError(
      'ConfigInvalid',
      `nowIso: expected an ISO 8601 time such as 2026-10-15T00:00:00Z, found "${nowIso}"`,
    );
  return time;
}
