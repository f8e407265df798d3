import { PipelineError } from '../domain/failures/failures.ts';
import { loadConfig } from '../platform/config/config.ts';
import type { Config } from '../platform/config/config.ts';
import { configuredTemporal } from '../platform/temporal/connection.ts';

/**
 * Processes that run for long use configured servers only: one that silently started its own would work on the wrong
 * database, or take payloads that nobody ever sees.
 *
 * @param names the settings that they need, by our names; Koku's count, too, and Temporal's configuration file
 * @param hint what to do instead, as the rest of a sentence
 * @throws PipelineError `ConfigInvalid` naming the settings that are not set
 */
export function requireConfigured(names: readonly (keyof Config | 'TEMPORAL_ADDRESS')[], hint: string): void {
  const config = loadConfig();
  const missing = names.filter(
    (name) => (name === 'TEMPORAL_ADDRESS' ? configuredTemporal() : config[name]) === undefined,
  );
  if (missing.length > 0) throw new PipelineError('ConfigInvalid', `${missing.join(', ')}: not set; ${hint}`);
}
