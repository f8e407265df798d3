import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inject } from 'vitest';
import { lakeProperties } from '../support/trino-server.ts';
import { identifier, literal } from '../../engines/trino/client.ts';
import type { TrinoClient } from '../../engines/trino/client.ts';
import { atEnd } from '../support/at-end.ts';
import { databaseUrl, onServer } from '../support/template-database.ts';

/** Text of docs/trino.md. */
export const page = readFileSync(new URL('../../docs/trino.md', import.meta.url), 'utf8');

/** Properties of a catalog of Iceberg tables, whose names are in PostgreSQL. */
export function icebergProperties(place: {
  directory: string;
  url: string;
  user: string;
  password: string;
}): Record<string, string> {
  return {
    'connector.name': 'iceberg',
    'iceberg.catalog.type': 'jdbc',
    'iceberg.jdbc-catalog.driver-class': 'org.postgresql.Driver',
    'iceberg.jdbc-catalog.connection-url': place.url,
    'iceberg.jdbc-catalog.connection-user': place.user,
    'iceberg.jdbc-catalog.connection-password': place.password,
    'iceberg.jdbc-catalog.catalog-name': 'lake',
    'iceberg.jdbc-catalog.default-warehouse-dir': 'local:///warehouse',
    'iceberg.add-files-procedure.enabled': 'true',
    'iceberg.metadata-cache.enabled': 'false',
    'fs.native-local.enabled': 'true',
    'local.location': place.directory,
  };
}

/**
 * Create a catalog like that of the lake, with a metastore of its own, for as long as the server runs.
 * @param properties that differ
 * @returns its name
 */
export async function createCatalog(
  client: TrinoClient,
  properties: Readonly<Record<string, string>>,
): Promise<string> {
  const name = newName();
  await create(client, name, {
    ...lakeProperties(inject('lakeDirectory')),
    'hive.metastore.catalog.dir': `local:///metastore-${name}`,
    ...properties,
  });
  return name;
}

/**
 * Create a catalog of Iceberg tables, with a database of its own that the page's SQL prepares.
 * @param properties that differ
 * @returns its name
 */
export async function createIcebergCatalog(
  client: TrinoClient,
  properties: Readonly<Record<string, string>> = {},
): Promise<string> {
  const name = newName();
  const serverUrl = inject('postgresUrl');
  const [, tables = ''] = /```sql\n([^`]*)```/.exec(page) ?? [];
  await onServer(serverUrl, (server) => server.query(`create database ${name}`));
  atEnd(() =>
    onServer(serverUrl, (server) => server.query(`drop database if exists ${name} with (force)`)).then(
      () => undefined,
    ),
  );
  await onServer(databaseUrl(serverUrl, name), (database) => database.query(tables));
  const { host, username, password } = new URL(serverUrl);
  const ofTests = icebergProperties({
    directory: inject('lakeDirectory'),
    url: `jdbc:postgresql://${host}/${name}`,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password) || 'none',
  });
  await create(client, name, { ...ofTests, ...properties });
  atEnd(() => client.run(`drop catalog ${name}`).then(() => undefined));
  return name;
}

function newName(): string {
  return `lake_${randomBytes(6).toString('hex')}`;
}

async function create(
  client: TrinoClient,
  name: string,
  { 'connector.name': connector = '', ...rest }: Readonly<Record<string, string>>,
): Promise<void> {
  const list = Object.entries(rest).map(([key, value]) => `${identifier(key)} = ${literal(value)}`);
  await client.run(`create catalog ${name} using ${connector} with (${list.join(', ')})`);
}
