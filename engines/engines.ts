import type { EngineName } from '../platform/config/config.ts';
import type { Engine } from './engine.ts';
import { postgresEngine } from './postgres/postgres-engine.ts';
import { trinoEngine } from './trino/trino-engine.ts';

/** Every engine by its name. */
export const engines: Readonly<Record<EngineName, Engine>> = {
  postgres: postgresEngine,
  trino: trinoEngine,
};
