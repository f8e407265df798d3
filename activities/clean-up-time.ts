import type { ActivityDependencies } from './dependencies.ts';

/** "Now" of a cleanup: `OCP_NOW` when set, else the time its run was started for, else the system clock. */
export function cleanUpTime(deps: Pick<ActivityDependencies, 'config' | 'now'>, nowIso?: string): Date {
  return nowIso === undefined || deps.config.OCP_NOW !== undefined ? deps.now() : new Date(nowIso);
}
