/**
 * Kinds of failure that operators see in the Temporal UI and that decide whether a retry makes sense.
 *
 * - `ManifestInvalid`      the archive or its manifest.json breaks the payload rules
 * - `PayloadUnavailable`   the download address answers that it will never deliver (401, 403, 404, 410)
 * - `ReportHeaderInvalid`  a report has a column twice that its kind has once
 * - `TooManyRejectedRows`  a report has more bad rows than the settings allow
 * - `DayNotOurs`           another writer summarised this day and nobody adopted it
 * - `DataDoesNotFit`       a number, most likely a sum, is too great for a column of the summary tables
 * - `SourceVanished`       the source, or what the ledger knew of its payload, was deleted while the run was under way
 * - `ManifestIdTaken`      public gave a manifest an id that the tenant's ledger has for another one
 * - `StagingMiscounted`    staging does not keep the rows that are loaded, whoever takes or adds some
 * - `ObjectMissing`        an object that the ledger names is no longer in the object store
 * - `ObjectDamaged`        an object of ours is not what the ledger says (cut short, changed)
 * - `SchemaTooOld`         the database lacks tables or columns that this version needs
 * - `ConfigInvalid`        a setting is missing or wrong
 */
export type FailureType =
  | 'ManifestInvalid'
  | 'PayloadUnavailable'
  | 'ReportHeaderInvalid'
  | 'TooManyRejectedRows'
  | 'DayNotOurs'
  | 'DataDoesNotFit'
  | 'SourceVanished'
  | 'ManifestIdTaken'
  | 'StagingMiscounted'
  | 'ObjectMissing'
  | 'ObjectDamaged'
  | 'SchemaTooOld'
  | 'ConfigInvalid';

/** JSON-safe facts that belong to a failure; numbers go here instead of into the message. */
export type FailureDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What a `PipelineError` is made of. `retryable` is false unless said otherwise. */
export interface PipelineErrorOptions {
  readonly retryable?: boolean;
  readonly details?: FailureDetails;
  readonly cause?: unknown;
}

/**
 * A failure that the pipeline understands: its message says what failed, where, what was expected and found, and what
 * to do. Activities translate it to a Temporal failure with the same `type`, not retried unless `retryable` is true.
 */
export class PipelineError extends Error {
  readonly type: FailureType;
  readonly retryable: boolean;
  readonly details: FailureDetails;

  constructor(type: FailureType, message: string, options: PipelineErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'PipelineError';
    this.type = type;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}
