import { PipelineError } from '../../domain/failures/failures.ts';
import type { Queryable } from './connection.ts';

/** Facts about the server and database of a connection. */
export interface ServerFacts {
  /** as in `server_version_num`: 15.4 is 150004 */
  number: number;
  version: string;
  database: string;
  encoding: string;
  /** a standby: read-only, whatever is configured */
  isInRecovery: boolean;
  /**
   * where `default_transaction_read_only` is set: `database`, `user`, `configuration file` …; undefined if it is off
   */
  readOnlyBy: string | null;
}

const oldestServerVersion = 150_000;

/** Read them with one statement, which also works on a read-only server. */
export async function readServerFacts(client: Queryable): Promise<ServerFacts> {
  const { rows } = await client.query<ServerFacts>(
    `select
         pg_catalog.current_setting('server_version_num')::integer as number,
         pg_catalog.current_setting('server_version') as version,
         pg_catalog.current_database() as database,
         pg_catalog.current_setting('server_encoding') as encoding,
         pg_catalog.pg_is_in_recovery() as "isInRecovery",
         (
             select source
             from pg_catalog.pg_settings
             where name = 'default_transaction_read_only' and setting = 'on'
         ) as "readOnlyBy"`,
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error('PostgreSQL returned no row when asked for its settings');
  return facts;
}

/**
 * @param found number as in `server_version_num` (15.4 is 150004) and its printed form
 * @param server where the server is, for the message
 * @throws PipelineError `PostgresTooOld`
 */
export function assertServerVersion(found: Pick<ServerFacts, 'number' | 'version'>, server: string): void {
  if (!isSupportedVersion(found))
    throw new PipelineError(
      'PostgresTooOld',
      `PostgreSQL at ${server} is too old: version 15 or newer is required, found ${found.version}; upgrade the server`,
    );
}

/** Whether it is PostgreSQL 15 or newer. */
export function isSupportedVersion({ number }: Pick<ServerFacts, 'number'>): boolean {
  return number >= oldestServerVersion;
}

/**
 * Other encodings cannot hold every name and label, and SQL_ASCII holds bytes that nobody checks.
 *
 * @throws PipelineError `EncodingUnsupported`
 */
export function assertEncoding(found: Pick<ServerFacts, 'database' | 'encoding'>): void {
  if (found.encoding !== 'UTF8')
    throw new PipelineError(
      'EncodingUnsupported',
      `Database "${found.database}" cannot be used: the encoding UTF8 is required, found ${found.encoding}; ${encodingRepair}`,
    );
}

/** What to do about a database with another encoding, which cannot be changed. */
export const encodingRepair = `create one and name it in DATABASE_URL: create database … encoding 'UTF8' locale 'C.UTF-8' template template0`;
