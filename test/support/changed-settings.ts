import { onServer } from './template-database.ts';

/**
 * Session settings as an administrator may have made them for everybody: each differs from the server's default, and
 * each would change what a statement means, how its values are read, or when it ends.
 */
export const changedSettings: Readonly<Record<string, string>> = {
  client_encoding: 'LATIN1',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  timezone_abbreviations: 'Australia',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  xmlbinary: 'hex',
  xmloption: 'document',
  search_path: 'trap, pg_catalog',
  standard_conforming_strings: 'off',
  backslash_quote: 'on',
  escape_string_warning: 'off',
  array_nulls: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  check_function_bodies: 'off',
  'plpgsql.extra_errors': 'all',
  'plpgsql.extra_warnings': 'all',
  gin_fuzzy_search_limit: '1',
  statement_timeout: '20s',
  lock_timeout: '1s',
  idle_in_transaction_session_timeout: '1s',
  idle_session_timeout: '1s',
  exit_on_error: 'on',
  client_min_messages: 'error',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  synchronous_commit: 'off',
  enable_bitmapscan: 'off',
  enable_hashagg: 'off',
  enable_hashjoin: 'off',
  enable_indexonlyscan: 'off',
  enable_indexscan: 'off',
  enable_material: 'off',
  enable_memoize: 'off',
  enable_mergejoin: 'off',
  enable_nestloop: 'off',
  enable_partition_pruning: 'off',
  enable_partitionwise_aggregate: 'on',
  enable_partitionwise_join: 'on',
  enable_seqscan: 'off',
  enable_sort: 'off',
  enable_tidscan: 'off',
  plan_cache_mode: 'force_generic_plan',
  // not pinned, because they only say how fast: the tables must be the same with them
  parallel_setup_cost: '0',
  parallel_tuple_cost: '0',
  min_parallel_table_scan_size: '0',
  max_parallel_workers_per_gather: '8',
  jit_above_cost: '0',
  join_collapse_limit: '1',
  from_collapse_limit: '1',
  geqo_threshold: '2',
  random_page_cost: '0.1',
  work_mem: '64kB',
};

/** Further ones that only a superuser may set, and that PostgreSQL 15 to 16 do not have. */
export const changedBySuperuser: Readonly<Record<string, string>> = { session_replication_role: 'replica' };
export const changedSince17: Readonly<Record<string, string>> = {
  transaction_timeout: '20s',
  restrict_nonsystem_relation_kind: 'view, foreign-table',
};

/**
 * Make them the defaults of a database: every other one by `alter database`, the rest by `alter role … in database`,
 * for sessions that begin afterwards. The schema `trap` stands first on the search path, with a function and a table of
 * names that ours use.
 */
export async function changeSettings(
  url: string,
  role: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const database = new URL(url).pathname.slice(1);
  await onServer(url, async (client) => {
    await client.query(
      `create schema if not exists trap;
       grant usage on schema trap to public;
       create or replace function trap.now() returns timestamptz language sql as $$ select timestamptz 'epoch' $$;
       create table if not exists trap.api_provider (uuid uuid)`,
    );
    for (const [index, [name, value]] of Object.entries(settings).entries()) {
      const whose = index % 2 === 0 ? `database ${database}` : `role ${role} in database ${database}`;
      // a list of names is not a name with a comma
      const literal = name === 'search_path' ? value : client.escapeLiteral(value);
      await client.query(`alter ${whose} set ${name} = ${literal}`);
    }
  });
}
