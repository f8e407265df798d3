import { Context } from '@temporalio/activity';
import { engineQueues } from '../domain/run/run.ts';
import type { Elsewhere } from '../domain/run/run.ts';
import type { EngineName } from '../platform/config/config.ts';

/**
 * The answer if an engine has a task queue of its own and the running activity came from another one: whoever polls
 * that may not know the engine's servers, and lacks its libraries.
 */
export function elsewhereThan(engine: EngineName): Elsewhere | undefined {
  if (engine === 'postgres' || Context.current().info.taskQueue === engineQueues[engine]) return undefined;
  return { outcome: 'elsewhere', engine };
}
