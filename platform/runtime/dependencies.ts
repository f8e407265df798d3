import type { Pool } from 'pg';
import type { Config } from '../config/config.ts';
import type { ObjectStore } from '../object-store/index.ts';

/** What activities work with; handed in by the worker, so that tests hand in their own servers. */
export interface ActivityDependencies {
  pool: Pool;
  /** for migrations, which use a connection of their own */
  databaseUrl: string;
  objectStore: ObjectStore;
  config: Config;
  /** "now" for date rules */
  now: () => Date;
}
