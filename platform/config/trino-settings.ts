import { z } from 'zod';
import { durationMs, secretSetting, setting, wholeNumber } from './setting.ts';

/** Settings of the Trino engine. */
export const trinoSettings = {
  TRINO_URL: setting(
    z
      .url({ protocol: /^https?$/, error: 'expected http://host:port or https://host' })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
    'Trino, for tenants with `engine=trino`. Unset: a worker leaves their months to workers that have it',
  ),
  TRINO_USER: setting(
    // The header of a request that has the user holds nothing else.
    z.string().regex(/^[\x20-\x7e\xa0-\xff]+$/, 'expected letters of Latin-1 in one line'),
    'user of the queries',
    'ocp-pipeline',
  ),
  TRINO_PASSWORD: secretSetting(
    z.string().optional(),
    'password of the user, with HTTPS only; never displayed',
  ),
  TRINO_CATALOG: setting(
    z.string().regex(/^[a-z0-9_]+$/, 'expected lower-case letters, digits and underscores'),
    'catalog of the lake: the connector of `TRINO_TABLES` over the object store',
    'lake',
  ),
  TRINO_TABLES: setting(
    z.enum(['hive', 'iceberg']),
    'tables of the lake: `hive` (a Hive metastore or Glue) or `iceberg` (a catalog in PostgreSQL)',
    'hive',
  ),
  TRINO_LOCATION: setting(
    z
      .string()
      .regex(
        /^[a-z0-9]+:\/\/.*[^/]$/,
        'expected a location without a slash at its end, such as s3://bucket/prefix',
      )
      .optional(),
    'how Trino names `OBJECT_STORE`. Unset: as `OBJECT_STORE` does, which must then be a bucket',
  ),
  TRINO_SCHEMA_PREFIX: setting(
    z.string().regex(/^[a-z0-9_]*$/, 'expected lower-case letters, digits and underscores'),
    'precedes the names of tenant schemas in the lake, for deployments that share a catalog',
    '',
  ),
  TRINO_CONCURRENCY: setting(
    wholeNumber(1, 64),
    'conversions and queries in parallel per worker; a conversion takes up to 0.7 GB of memory',
    '2',
  ),
  TRINO_QUERY_TIMEOUT: setting(durationMs, 'time limit of one query, on the server', '20m'),
};

interface TrinoConfig {
  OBJECT_STORE?: string | undefined;
  TRINO_URL: string | undefined;
  TRINO_LOCATION: string | undefined;
  TRINO_PASSWORD: string | undefined;
  TRINO_USER: string;
}

/** What is wrong with the combination of the settings, one sentence each. */
export function trinoProblems(config: TrinoConfig): string[] {
  if (config.TRINO_URL === undefined) return [];
  const problems: string[] = [];
  if (trinoLocation(config) === undefined)
    problems.push(
      'TRINO_LOCATION: expected a value, because Trino cannot read a directory as OBJECT_STORE names it; found none',
    );
  const { username, password, search, hash } = new URL(config.TRINO_URL);
  // It would be in every message about Trino.
  if (username !== '' || password !== '')
    problems.push('TRINO_URL: expected no user and no password in it, but in TRINO_USER and TRINO_PASSWORD');
  // It may be a secret, and paths of Trino are put behind the address.
  if (search !== '' || hash !== '')
    problems.push('TRINO_URL: expected http://host:port or https://host; found more behind ? or #');
  if (config.TRINO_PASSWORD !== undefined && config.TRINO_USER.includes(':'))
    problems.push('TRINO_USER: expected no colon, because TRINO_PASSWORD is set and follows one; found one');
  if (config.TRINO_PASSWORD !== undefined && !config.TRINO_URL.startsWith('https:'))
    problems.push('TRINO_URL: expected https://, because TRINO_PASSWORD is set; found http://');
  return problems;
}

/** The object store as Trino names it; undefined if it is not known. */
export function trinoLocation(
  config: Pick<TrinoConfig, 'OBJECT_STORE' | 'TRINO_LOCATION'>,
): string | undefined {
  if (config.TRINO_LOCATION !== undefined) return config.TRINO_LOCATION;
  return config.OBJECT_STORE?.startsWith('s3://') === true
    ? config.OBJECT_STORE.replace(/\/+$/, '')
    : undefined;
}
