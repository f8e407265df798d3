import { PipelineError } from '../domain/failures/failures.ts';
import { loadConfig } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';
import { configuredTemporal } from '../platform/temporal/connection.ts';

/**
 * Processes that run for long use configured servers only: one that silently started its own would work on the wrong
 * database, or take payloads that nobody ever sees. Temporal is one of these servers for all of them.
 *
 * @param names the other settings that they need, by our names; Koku's count, too
 * @param hint what to do instead, as the rest of a sentence
 * @throws PipelineError `ConfigInvalid` naming the settings that are not set
 */
export function requireConfigured(names: readonly (keyof Config)[], hint: string): void {
  const config = loadConfig();
  const missing: string[] = names.filter((name) => config[name] === undefined);
  if (configuredTemporal() === undefined) missing.push('TEMPORAL_ADDRESS');
  if (missing.length > 0) throw new PipelineError('ConfigInvalid', `${missing.join(', ')}: not set; ${hint}`);
}
