import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { lakeProperties } from '../../dev-stack/trino-server.ts';
import { identifier, literal } from '../../engines/trino/client.ts';
import type { TrinoClient } from '../../engines/trino/client.ts';

/**
 * Create a catalog like that of the lake, with a metastore of its own, for as long as the server runs.
 * @param properties that differ
 * @returns its name
 */
export async function createCatalog(
  client: TrinoClient,
  properties: Readonly<Record<string, string>>,
): Promise<string> {
  const name = `lake_${randomBytes(6).toString('hex')}`;
  const { 'connector.name': connector = '', ...rest }: Record<string, string> = {
    ...lakeProperties(inject('lakeDirectory')),
    'hive.metastore.catalog.dir': `local:///metastore-${name}`,
    ...properties,
  };
  const list = Object.entries(rest).map(([key, value]) => `${identifier(key)} = ${literal(value)}`);
  await client.run(`create catalog ${name} using ${connector} with (${list.join(', ')})`);
  return name;
}
