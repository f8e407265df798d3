import type { Pool } from 'pg';
import type { Config } from '../config/config.ts';
import type { ObjectStore } from '../object-store/index.ts';

/** What activities work with; passed in by the worker, so that tests can pass in their own servers. */
export interface ActivityDependencies {
  pool: Pool;
  /** for migrations, which use a separate connection */
  databaseUrl: string;
  objectStore: ObjectStore;
  config: Config;
  /** "now" for date rules */
  now: () => Date;
}
