import { PipelineError } from '../domain/failures/failures.ts';
import { loadConfig } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';

/**
 * Processes that run for long use configured servers only: one that silently started its own would work on the wrong
 * database.
 *
 * @param hint what to do instead, as the rest of a sentence
 * @throws PipelineError `ConfigInvalid` naming the settings that are not set
 */
export function requireConfigured(names: readonly (keyof Config)[], hint = ''): void {
  const config = loadConfig();
  const missing = names.filter((name) => config[name] === undefined);
  if (missing.length > 0) throw new PipelineError('ConfigInvalid', `${missing.join(', ')}: not set${hint}`);
}
