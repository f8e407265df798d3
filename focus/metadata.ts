import { createHash } from 'node:crypto';
import { packageVersion } from '../platform/config/package-root.ts';
import { columnsOf, scaleOf } from './columns.ts';
import type { Column, FocusVersion } from './columns.ts';
import { decimalPrecision } from './decimals.ts';

/** The program that makes the data, as metadata name it. */
export const generator = 'ocp-postgres-pipeline';

/** Namespace of our name-based UUIDs; never changed. */
const uuidNamespace = '5d2b7c1e-0a5f-4d0e-9a63-9c1f1a6d7f10';

/** When the columns of this version of the program were fixed: to be set when they change. */
const schemaCreated = '2026-11-28T00:00:00Z';

/** UUID version 5 (RFC 9562): the same name, the same UUID. */
function nameUuid(name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(uuidNamespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function definition(column: Column, version: FocusVersion) {
  const types = { text: 'STRING', json: 'JSON', time: 'DATETIME', cost: 'DECIMAL', quantity: 'DECIMAL' };
  const scale = scaleOf(column);
  return {
    ColumnName: column.name,
    DataType: types[column.type],
    ...(scale !== undefined && { NumericPrecision: decimalPrecision, NumberScale: scale }),
    ...((column.type === 'text' || column.type === 'json') && { StringEncoding: 'UTF-8' }),
    ...(column.maxLength !== undefined && { StringMaxLength: column.maxLength }),
    ...(column.deprecatedSince !== undefined && {
      Deprecated: column.deprecatedSince <= version,
    }),
    ...(column.name === 'Tags' && { ProviderTagPrefixes: ['openshift/'] }),
  };
}

/** The schema of a version: its id changes exactly when the columns do. */
export function schemaOf(version: FocusVersion) {
  const columns = columnsOf(version).map((column) => definition(column, version));
  const dataGeneratorVersion = packageVersion();
  return {
    SchemaId: nameUuid(JSON.stringify([version, dataGeneratorVersion, columns])),
    FocusVersion: version,
    DataGeneratorVersion: dataGeneratorVersion,
    CreationDate: schemaCreated,
    ColumnDefinition: columns,
  };
}

/** How far a day of the month is. */
export interface TimeSector {
  Start: string;
  End: string;
  /** null: no cluster has costs of the day */
  LastUpdated: string | null;
  Complete: boolean;
}

/** What the export says of itself, beside the file. */
export interface Artifact {
  FileName: string;
  Sha256: string;
  Rows: number;
  /** sums of the file, by cluster, currency and layer */
  Totals: { ClusterId: string; SourceId: string; Currency: string; Layer: string; Cost: string }[];
}

/** Metadata of a file, as the specification has them; `Artifact` is ours. */
export function metadataOf(options: {
  version: FocusVersion;
  orgId: string;
  sectors: readonly TimeSector[];
  artifact: Artifact;
}) {
  const instance = nameUuid(`${options.orgId}/CostAndUsage`);
  const { SchemaId, ...schema } = schemaOf(options.version);
  const updated = options.sectors.reduce<string | null>(
    (latest, { LastUpdated: at }) => (at !== null && (latest === null || at > latest) ? at : latest),
    null,
  );
  return {
    DataGenerator: { DataGenerator: generator },
    DatasetInstance: [
      {
        DatasetInstanceId: instance,
        DatasetInstanceName: `OpenShift cost, org ${options.orgId}`,
        FocusDatasetId: 'CostAndUsage',
      },
    ],
    Schema: [{ SchemaId, DatasetInstanceId: instance, ...schema }],
    Recency: [
      {
        DatasetInstanceId: instance,
        RecencyLastUpdated: updated,
        DatasetInstanceLastUpdated: updated,
        TimeSectors: options.sectors,
      },
    ],
    Artifact: options.artifact,
  };
}
