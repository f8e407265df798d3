import type { ClientBase, QueryResult } from 'pg';
import { PipelineError } from '../../domain/failures/failures.ts';

/**
 * Settings on which the meaning of our statements depends, regardless of `alter database … set`, `alter role … set`,
 * the server's configuration, `PGOPTIONS` or other users of a pooler. Settings that only affect placement and speed are
 * left alone: memory, planner costs, tablespaces, logging.
 */
const pinned: Readonly<Record<string, string>> = {
  // how values are read and written
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  xmloption: 'content',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  // how statements are read
  search_path: 'public',
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  escape_string_warning: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  check_function_bodies: 'on',
  default_table_access_method: 'heap',
  'plpgsql.extra_errors': 'none',
  'plpgsql.extra_warnings': 'none',
  // A policy that hides rows makes the statement fail: silently summing a part of the rows would be worse.
  row_security: 'off',
  gin_fuzzy_search_limit: '0',
  // when statements end
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  exit_on_error: 'off',
  client_min_messages: 'notice',
  // Ways to compute: floating-point sums depend on the order in which a plan reads the rows.
  enable_bitmapscan: 'on',
  enable_hashagg: 'on',
  enable_hashjoin: 'on',
  enable_indexonlyscan: 'on',
  enable_indexscan: 'on',
  enable_material: 'on',
  enable_memoize: 'on',
  enable_mergejoin: 'on',
  enable_nestloop: 'on',
  enable_partition_pruning: 'on',
  enable_partitionwise_aggregate: 'off',
  enable_partitionwise_join: 'off',
  enable_seqscan: 'on',
  enable_sort: 'on',
  enable_tidscan: 'on',
  plan_cache_mode: 'auto',
};

/** As {@link pinned}, for settings that do not exist in every supported version. */
const pinnedWherePresent: Readonly<Record<string, string>> = {
  transaction_timeout: '0',
  restrict_nonsystem_relation_kind: '',
};

/** As {@link pinned}, set only if they differ: one needs a privilege, the other reads a file of the server. */
const pinnedWhereDifferent: Readonly<Record<string, string>> = {
  session_replication_role: 'origin',
  timezone_abbreviations: 'Default',
};

const setLocally = (name: string, value: string): string => `set_config('${name}', '${value}', true)`;

/**
 * Begins a transaction with our settings, which end with it. It is one message to the server, so it costs no more round
 * trips than `begin`. The settings are those of the transaction, not of the connection: behind a pooler in transaction
 * mode the next transaction may run on another server connection, and poolers reject settings at connection start.
 *
 * `synchronous_commit` may be stronger than we need but not off: a run that Temporal considers finished must not be
 * lost in a server crash. `idle_session_timeout` takes effect between transactions, so it is set for the session;
 * behind a pooler it only keeps a pooled connection open.
 */
const beginStatement = (mode: string): string =>
  [
    `begin isolation level ${mode} not deferrable`,
    `select ${[
      ...Object.entries(pinned).map(([name, value]) => setLocally(name, value)),
      ...Object.entries(pinnedWherePresent).map(
        ([name, value]) =>
          `case when current_setting('${name}', true) is not null then ${setLocally(name, value)} end`,
      ),
      ...Object.entries(pinnedWhereDifferent).map(
        ([name, value]) =>
          `case current_setting('${name}') when '${value}' then '' else ${setLocally(name, value)} end`,
      ),
      `case current_setting('synchronous_commit') when 'off' then ${setLocally('synchronous_commit', 'on')} end`,
      `set_config('idle_session_timeout', '0', false)`,
      'pg_backend_pid() as pid',
    ].join(', ')}`,
  ].join('; ');

/** How a transaction begins: one that may write, or one that only reads and sees one snapshot throughout. */
const begins = {
  write: beginStatement('read committed read write'),
  snapshot: beginStatement('repeatable read read only'),
} as const;

/** Names of the settings that every transaction of ours pins, for tests. */
export const pinnedSettings: readonly string[] = [
  ...Object.keys(pinned),
  ...Object.keys(pinnedWherePresent),
  ...Object.keys(pinnedWhereDifferent),
  'synchronous_commit',
  'idle_session_timeout',
];

/**
 * Begin a transaction with the settings of {@link pinnedSettings} and the search path `public`.
 *
 * @returns process id of the server process that runs it; a pooler may assign a different one each time
 * @throws PipelineError `ConfigInvalid` (retryable: a standby may be promoted) if the server is read-only
 * @throws PipelineError `ConfigInvalid` if this database user cannot change a setting
 */
export async function beginPinned(client: ClientBase, mode: keyof typeof begins = 'write'): Promise<number> {
  try {
    const results = (await client.query(begins[mode])) as unknown as QueryResult<{ pid: number }>[];
    return results[1]?.rows[0]?.pid ?? 0;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw explained(error);
  }
}

/** What is wrong with a server in recovery, and what to do. */
export const standbyProblem = {
  found: 'the server is a hot standby, which is read-only',
  repair: 'point DATABASE_URL at the primary server, or promote this one',
};

function explained(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  // "cannot set transaction read-write mode during recovery"
  if (code === '0A000')
    return new PipelineError(
      'ConfigInvalid',
      `DATABASE_URL: ${standbyProblem.found}; ${standbyProblem.repair}`,
      {
        retryable: true,
        cause: error,
      },
    );
  if (code === '42501')
    return new PipelineError(
      'ConfigInvalid',
      `DATABASE_URL: ${message}, and its current value would change what is stored; reset it: ` +
        `alter role … reset session_replication_role, alter database … reset session_replication_role`,
      { cause: error },
    );
  return error;
}
