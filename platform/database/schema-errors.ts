/** What prevented a schema from being migrated, or a partition from being created. */
export type SchemaErrorCode =
  | 'SchemaNameInvalid'
  | 'PostgresTooOld'
  | 'EncodingUnsupported'
  | 'MigrationBusy'
  | 'PublicSchemaBehind'
  | 'SchemaNewer'
  | 'SchemaSuperseded'
  | 'MigrationFailed'
  | 'ColumnsMissing'
  | 'TenantsFailed'
  | 'PartitionFailed'
  | 'PartitionBusy';

/**
 * A problem with the database schema. The message says what failed, where, what was expected and found, and what to do.
 * `retryable` is true for `PartitionBusy` and `MigrationBusy`: another process held a lock for longer than we wait.
 */
export class SchemaError extends Error {
  readonly code: SchemaErrorCode;
  readonly retryable: boolean;

  constructor(code: SchemaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchemaError';
    this.code = code;
    this.retryable = code === 'PartitionBusy' || code === 'MigrationBusy';
  }
}
