/** What is known of a kind of failure. */
interface FailureFacts {
  /** for operators, as documented */
  meaning: string;
  /** `step`: thrown by our code; `run`: what a workflow ends with; `group`: errors of others, as metrics name them */
  from: 'step' | 'run' | 'group';
  /**
   * whether an attempt that failed with it is retried; `as thrown`: each error says so itself, and is not unless it
   * does
   */
  retried: 'never' | 'always' | 'as thrown';
  /**
   * whether a run that meets it fails at once, because no decision of an operator could help; otherwise the run is
   * blocked
   */
  final: boolean;
}

/**
 * Kinds of failure that operators see in the Temporal UI, in metrics and in `ingest_failure`. This is the only list.
 */
export const failures = {
  ManifestInvalid: {
    meaning: 'the archive or its manifest.json breaks the payload rules',
    from: 'step',
    retried: 'never',
    final: true,
  },
  PayloadUnavailable: {
    meaning: 'the download address answers that it will never deliver the payload (401, 403, 404, 410)',
    from: 'step',
    retried: 'as thrown',
    final: true,
  },
  ReportHeaderInvalid: {
    meaning: 'a report contains a column twice that its kind has only once',
    from: 'step',
    retried: 'never',
    final: false,
  },
  TooManyRejectedRows: {
    meaning: 'a report has more invalid rows than the settings allow',
    from: 'step',
    retried: 'never',
    final: false,
  },
  DayNotOurs: {
    meaning: 'another writer summarised this day and nobody adopted it',
    from: 'step',
    retried: 'never',
    final: true,
  },
  DataDoesNotFit: {
    meaning: 'a number, most likely a sum, is too large for a column of the summary tables',
    from: 'step',
    retried: 'never',
    final: false,
  },
  SourceVanished: {
    meaning: 'the source, or the ledger rows of its payload, were deleted during the run',
    from: 'step',
    retried: 'never',
    final: true,
  },
  ManifestIdTaken: {
    meaning: "`public` assigned a manifest an id that the tenant's ledger already uses for another one",
    from: 'step',
    retried: 'never',
    final: false,
  },
  StagingMiscounted: {
    meaning:
      'staging or the lake does not keep the rows that are loaded: a trigger or another program removes, adds or changes some',
    from: 'step',
    retried: 'never',
    final: false,
  },
  ObjectMissing: {
    meaning: 'an object recorded in the ledger is no longer in the object store',
    from: 'step',
    retried: 'never',
    final: false,
  },
  ObjectDamaged: {
    meaning: 'an object differs from what the ledger recorded (truncated, modified)',
    from: 'step',
    retried: 'never',
    final: false,
  },
  ObjectStoreFailed: {
    meaning: 'the object store failed: it could not be reached, denied access, or is full',
    from: 'step',
    retried: 'always',
    final: false,
  },
  TrinoFailed: {
    meaning:
      'Trino could not be reached, or refused or gave up a query; retried unless the query or a setting is at fault',
    from: 'step',
    retried: 'as thrown',
    final: false,
  },
  PartitionBusy: {
    meaning: 'a lock that is needed to create a partition could not be acquired in time',
    from: 'step',
    retried: 'always',
    final: false,
  },
  PartitionFailed: {
    meaning: 'a partition cannot be created: its table is not partitioned by month, or its name is taken',
    from: 'step',
    retried: 'never',
    final: false,
  },
  SchemaTooOld: {
    meaning: 'the database lacks tables or columns that this version needs',
    from: 'step',
    retried: 'never',
    final: false,
  },
  ConfigInvalid: {
    meaning:
      'a setting is missing or wrong; retried if the cause may go away by itself, such as a standby that is promoted',
    from: 'step',
    retried: 'as thrown',
    final: false,
  },
  RetriesExhausted: {
    meaning: 'a step was retried until its time limit expired, or its attempts were used up',
    from: 'run',
    retried: 'never',
    final: false,
  },
  CleanupIncomplete: {
    meaning: 'a run over all tenants failed for some of them',
    from: 'run',
    retried: 'never',
    final: true,
  },
  InputInvalid: {
    meaning: 'a workflow was started with an invalid input',
    from: 'run',
    retried: 'never',
    final: true,
  },
  DatabaseError: {
    meaning: 'an error of PostgreSQL, identified by its SQLSTATE code',
    from: 'group',
    retried: 'as thrown',
    final: false,
  },
  Unreachable: {
    meaning: 'a server could not be reached, identified by its system error code',
    from: 'group',
    retried: 'as thrown',
    final: false,
  },
  Unexpected: { meaning: 'everything else', from: 'group', retried: 'as thrown', final: false },
} as const satisfies Readonly<Record<string, FailureFacts>>;

type FailureName = keyof typeof failures;

/** Kinds that occur only in messages of commands: no run, metric or history contains them. */
export const commandFailures = {
  EmbeddedServerFailed: {
    meaning: 'an embedded server cannot be found, started, used or stopped',
    retried: 'never',
  },
  TemporalRefused: { meaning: 'Temporal answered, and refuses the request or the log-in', retried: 'never' },
  TemporalUnavailable: { meaning: 'Temporal cannot be reached', retried: 'always' },
  UsageError: { meaning: 'the command line is invalid', retried: 'never' },
  OutputFailed: { meaning: 'a file that was asked for cannot be written', retried: 'never' },
  NotPermitted: { meaning: 'the credentials do not allow it', retried: 'never' },
  SchemaNameInvalid: { meaning: 'a name that no tenant schema can have', retried: 'never' },
  PostgresTooOld: { meaning: 'the server is older than the supported versions', retried: 'never' },
  EncodingUnsupported: { meaning: 'the database is not UTF8', retried: 'never' },
  MigrationBusy: { meaning: 'another process has been migrating the schema for too long', retried: 'always' },
  MigrationFailed: { meaning: 'a migration or a function was refused by the server', retried: 'never' },
  PublicSchemaBehind: { meaning: '`public` has to be migrated first', retried: 'never' },
  SchemaNewer: { meaning: 'a newer version has migrated the schema', retried: 'never' },
  SchemaSuperseded: { meaning: 'the schema predates the first release', retried: 'never' },
  ColumnsMissing: { meaning: 'tables, columns or keys do not match this version', retried: 'never' },
  TenantsFailed: { meaning: 'some tenant schemas could not be migrated; the others were', retried: 'never' },
  CostsStale: {
    meaning: 'costs to be exported are not those of the prices and usage of now',
    retried: 'never',
  },
  MonthIncomplete: { meaning: 'a month to be exported has incomplete days', retried: 'never' },
  CostNotConserved: {
    meaning: 'exported lines do not add up to the tables, or shared costs not to 0',
    retried: 'never',
  },
  ShutdownTooLong: {
    meaning: 'activities of a worker did not end after a shutdown request',
    retried: 'never',
  },
} as const satisfies Readonly<Record<string, Pick<FailureFacts, 'meaning' | 'retried'>>>;

/** What a {@link PipelineError} of a step may be. */
export type FailureType = {
  [Name in FailureName]: (typeof failures)[Name]['from'] extends 'step' ? Name : never;
}[FailureName];

/** Every kind, in the order of the list. */
export const failureNames = Object.keys(failures) as readonly FailureName[];

/** Kinds that are never retried, whoever throws them. */
export const neverRetried: readonly FailureName[] = failureNames.filter(
  (name) => failures[name].from === 'step' && failures[name].retried === 'never',
);

/** Whether a run that meets a failure of this type fails at once instead of asking an operator. */
export function isFinal(type: string): boolean {
  return (failures as Readonly<Record<string, FailureFacts>>)[type]?.final === true;
}

/** JSON-safe facts that belong to a failure; numbers go here instead of into the message. */
export type FailureDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What a `PipelineError` consists of. */
export interface PipelineErrorOptions {
  /** whether trying again may help; what the list says of the type, unless given */
  readonly retryable?: boolean;
  readonly details?: FailureDetails;
  /** what to do, where the message does not say so */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The base of every error that means something to people: its message says what failed, where, what was expected and
 * found, and what to do. The edges translate it: activities to a Temporal failure with the same `type`, not retried
 * unless `retryable` is true, the command line to a sentence. What else extends `Error` is a signal between two
 * functions that never reaches an edge; a test lists those.
 */
export class PipelineError extends Error {
  readonly type: FailureType | keyof typeof commandFailures;
  readonly retryable: boolean;
  readonly details: FailureDetails;
  readonly remedy: string | undefined;

  constructor(type: PipelineError['type'], message: string, options: PipelineErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'PipelineError';
    this.type = type;
    this.retryable = options.retryable ?? { ...failures, ...commandFailures }[type].retried === 'always';
    this.details = options.details ?? {};
    this.remedy = options.remedy;
  }

  /** The message and what to do: what the edges say. */
  get sentence(): string {
    return this.remedy === undefined ? this.message : `${this.message}; ${this.remedy}`;
  }
}
