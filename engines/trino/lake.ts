import { PipelineError } from '../../domain/failures/failures.ts';
import { trinoLocation } from '../../platform/config/trino-settings.ts';
import type { Config } from '../../platform/config/config.ts';
import { TrinoClient } from './client.ts';
import { icebergTables } from './iceberg-tables.ts';
import { lakeSchemaOf } from './lake-schema.ts';
import { hiveTables } from './lake-tables.ts';
import type { LakeTables } from './lake-tables.ts';

/** The lake of a deployment. */
export interface Lake {
  client: TrinoClient;
  tables: LakeTables;
  /** name of a tenant's schema there */
  schemaOf(schema: string): string;
}

/**
 * The lake that the configuration names. Nothing is contacted yet.
 * @throws PipelineError `ConfigInvalid` (not retried) if it names none
 */
export function openLake(config: Config): Lake {
  const location = trinoLocation(config);
  if (config.TRINO_URL === undefined || location === undefined)
    throw new PipelineError(
      'ConfigInvalid',
      'engine=trino needs TRINO_URL, which is not set for this process',
      {
        remedy:
          'set it, or move the tenant: ocp-pipeline tenant set ORG engine=postgres shadow=, then resummarize the month, ' +
          'and replay payloads that wait or are blocked: ocp-pipeline replay MANIFEST --from load',
      },
    );
  const client = new TrinoClient({
    url: config.TRINO_URL,
    user: config.TRINO_USER,
    ...(config.TRINO_PASSWORD !== undefined && { password: config.TRINO_PASSWORD }),
    catalog: config.TRINO_CATALOG,
  });
  const schemaOf = (schema: string) => `${config.TRINO_SCHEMA_PREFIX}${lakeSchemaOf(schema)}`;
  const tablesOf = config.TRINO_TABLES === 'iceberg' ? icebergTables : hiveTables;
  return { client, schemaOf, tables: tablesOf(client, { location, schemaOf }) };
}
