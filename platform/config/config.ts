import { z } from 'zod';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as `30s`, `15m`, `24h`; the value is milliseconds. */
const durationMs = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'expected a whole number with a unit: ms, s, m, h or d, for example 15m')
  .transform((text) => {
    const unit = text.replace(/^\d+/, '') as keyof typeof unitMs;
    return Number.parseInt(text, 10) * unitMs[unit];
  });

const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

/** Rules profile: how effective usage is computed and which labels win. */
export const rulesProfile = z.enum(['design', 'koku']);
export type RulesProfile = z.infer<typeof rulesProfile>;

/** One environment variable: how it is read, what it means, and what holds when it is not set. */
interface Setting<T extends z.ZodType> {
  schema: T;
  fallback?: string;
  meaning: string;
  secret?: true;
}
const setting = <T extends z.ZodType>(schema: T, meaning: string, fallback?: string): Setting<T> => ({
  schema,
  meaning,
  ...(fallback === undefined ? {} : { fallback }),
});

const settings = {
  DATABASE_URL: {
    ...setting(
      z
        .url({ protocol: /^postgres(ql)?$/, error: 'expected postgresql://user:password@host:port/database' })
        .optional(),
      'PostgreSQL 15 to 18. Not set: the embedded PostgreSQL',
    ),
    secret: true as const,
  },
  OBJECT_STORE: setting(
    z
      .string()
      .regex(/^(file:\/\/\/|s3:\/\/)./, 'expected file:///directory or s3://bucket/prefix')
      .optional(),
    'where payloads and daily CSVs are kept: `file:///directory` or `s3://bucket/prefix`. Not set: a directory under `OCP_DATA_DIR`',
  ),
  S3_ENDPOINT: setting(
    z.url({ protocol: /^https?$/, error: 'expected http://host:port or https://host' }).optional(),
    "S3 server other than AWS; credentials and region come from the AWS SDK's usual variables",
  ),
  OCP_LOCAL_DOWNLOADS: setting(
    z.enum(['true', 'false']).optional(),
    'whether payloads may be fetched by HTTP from this machine or its link (loopback and link-local addresses). Not set: only when Temporal is the embedded one',
  ),
  OCP_POSTGRES_PIPELINE: setting(
    z.enum(['true', 'false']).refine((value) => value === 'true', {
      error: 'the Trino engine does not exist yet: only true is possible',
    }),
    'engine of the deployment; `false` would select Trino and is refused until that engine exists',
    'true',
  ),
  OCP_RULES: setting(rulesProfile, 'rules profile, `design` or `koku`; a tenant can override it', 'design'),
  OCP_NOW: setting(
    z.iso
      .datetime({ offset: true, error: 'expected an ISO 8601 time such as 2026-10-15T00:00:00Z' })
      .optional(),
    'fixed "now" for every date rule (retention, current month); for tests and demonstrations',
  ),
  OCP_DATA_DIR: setting(z.string().min(1), 'directory of the embedded stack and of log files', '.data'),
  OCP_LOG_LEVEL: setting(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']), 'log level', 'info'),
  OCP_MANIFEST_WAIT: setting(
    durationMs,
    'how long a run waits for the other archives of its manifest',
    '15m',
  ),
  OCP_MANIFEST_POLL_MAX: setting(
    durationMs,
    'longest pause between two looks while it waits (doubles from 1 s)',
    '30s',
  ),
  OCP_SETTINGS_DELAY: setting(
    durationMs,
    'how long tag keys, mappings, categories and names must be left alone before the current month is rebuilt',
    '1h',
  ),
  BLOCKED_WAIT: setting(
    durationMs,
    "how long a run whose retries are exhausted waits for an operator's decision before it fails",
    '24h',
  ),
  OCP_LOAD_CONCURRENCY: setting(
    wholeNumber(1, 64),
    'pieces that one run loads at a time, and load slots of a worker',
    '8',
  ),
  OCP_SQL_CONCURRENCY: setting(wholeNumber(1, 64), 'aggregation slots of a worker', '4'),
  OCP_CACHED_RUNS: setting(
    wholeNumber(1, 100_000),
    'runs under way that a worker keeps in memory between two of their tasks; those beyond are replayed from their history at the next task',
    '1000',
  ),
  OCP_DATABASE_POOL_SIZE: setting(
    wholeNumber(4, 500),
    'connections of one worker process; load and aggregation slots together need two fewer',
    '16',
  ),
  OCP_SHUTDOWN_GRACE: setting(
    durationMs,
    'after SIGTERM: how long running activities of a worker may go on before they are cancelled; after twice this it gives up and ends with an error',
    '30s',
  ),
  TEMPORAL_WORKER_BUILD_ID: setting(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
        'expected 1 to 128 letters, digits, dots, dashes or underscores',
      )
      .optional(),
    'version of the worker, for example the git commit: turns on Worker Deployment Versioning; the worker gets nothing until `ocp-pipeline deployment set-current`. Not set: not versioned',
  ),
  TEMPORAL_DEPLOYMENT_NAME: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, 'expected 1 to 128 letters, digits, dashes or underscores'),
    'name of the Worker Deployment that the versions belong to',
    'ocp-pipeline',
  ),
  HOSTNAME: setting(
    z.string().max(255).optional(),
    'identity of a worker in Temporal; Kubernetes sets it to the name of the pod. Not set: process id and host name',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    z.url({ protocol: /^https?$/, error: 'expected http://host:4318 or https://host' }).optional(),
    'collector that takes traces by OTLP over HTTP, as JSON; `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` hold too. Not set: no tracing',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: {
    ...setting(
      z.string().optional(),
      'headers for the collector, `name=value,name=value`; not shown anywhere',
    ),
    secret: true as const,
  },
  OTEL_EXPORTER_OTLP_TIMEOUT: setting(
    wholeNumber(1, 600_000),
    'longest time that one export takes, milliseconds',
    '10000',
  ),
  OCP_ACTIVITY_TRANSFER_TIMEOUT: setting(
    durationMs,
    'bound on all attempts to download or split a payload',
    '6h',
  ),
  OCP_ACTIVITY_SQL_TIMEOUT: setting(
    durationMs,
    'bound on all attempts to load a piece or to run a summary step',
    '12h',
  ),
  OCP_ACTIVITY_RETRY_INITIAL: setting(
    durationMs,
    'first pause before an activity is tried again; it doubles',
    '2s',
  ),
  OCP_ACTIVITY_RETRY_MAX: setting(durationMs, 'longest pause before an activity is tried again', '2m'),
  MAX_REJECTED_ROWS: setting(
    wholeNumber(0, 1_000_000_000),
    'a file fails with more bad rows than this and …',
    '100',
  ),
  MAX_REJECTED_ROWS_PERCENT: setting(
    z.coerce.number().min(0).max(100),
    '… more than this share of its rows, percent',
    '5',
  ),
  OCP_MAX_NEW_LABEL_KEYS: setting(
    wholeNumber(0, 1_000_000),
    'label keys nobody has seen before that one payload may enter (disabled); further ones stay in the label sets, with a warning, and can still be enabled by name',
    '10000',
  ),
  OCP_MAX_NEW_LABEL_SETS: setting(
    wholeNumber(0, 100_000_000),
    'new label sets that one payload may store; of further ones only the labels that count today are kept, with a warning. No usage is lost',
    '500000',
  ),
  STAGING_RETENTION_DAYS: setting(
    wholeNumber(1, 3_650),
    'days that line items stay in staging after their month has ended',
    '7',
  ),
  ARCHIVE_RETENTION: setting(
    wholeNumber(1, 240).optional(),
    'calendar months that raw payloads and daily CSVs are kept; fewer than `RETAIN_NUM_MONTHS` are refused. Not set: 6, or the retention months when they are more',
  ),
  OCP_METRICS_ADDRESS: setting(
    z
      .string()
      .regex(/^[^:]+:\d+$/, 'expected host:port, for example 127.0.0.1:9464')
      .optional(),
    'where a worker serves Prometheus metrics, `host:port`. Not set: nowhere',
  ),
  OCP_HEALTH_ADDRESS: setting(
    z
      .string()
      .regex(/^[^:]+:\d+$/, 'expected host:port, for example 127.0.0.1:9465')
      .optional(),
    'where a worker answers `/healthz` and `/readyz`, `host:port`. Not set: nowhere',
  ),
  RETAIN_NUM_MONTHS: setting(
    wholeNumber(1, 120),
    "calendar months kept, the current one included: what is older is not taken in, and purged. At its default a tenant's own `data_retention_months` counts",
    '4',
  ),
} satisfies Record<string, Setting<z.ZodType>>;

type SettingName = keyof typeof settings;

/** Validated configuration; names are the environment variables, durations are milliseconds. */
export type Config = { readonly [Name in SettingName]: z.infer<(typeof settings)[Name]['schema']> };

/** Every environment variable of ours; Temporal's and AWS's own variables are read by their libraries. */
export const configurationKeys: readonly string[] = Object.keys(settings);

/** All problems of the environment at once, one per line; values of secrets are not repeated. */
export class ConfigInvalid extends Error {
  override name = 'ConfigInvalid';
}

/**
 * Read and validate the environment. The only reader of our environment variables.
 *
 * @throws ConfigInvalid naming every variable that is wrong, what was expected and what was found
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { schema, fallback, secret }] of Object.entries(settings) as [
    string,
    Setting<z.ZodType>,
  ][]) {
    const text = environment[name]?.trim();
    const given = text === undefined || text === '' ? fallback : text;
    const parsed = schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else {
      const found = secret === true ? 'a value that does not fit' : `"${given ?? ''}"`;
      problems.push(
        `${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}; found ${found}`,
      );
    }
  }
  const config = values as Config;
  if (
    problems.length === 0 &&
    config.OCP_LOAD_CONCURRENCY + config.OCP_SQL_CONCURRENCY > config.OCP_DATABASE_POOL_SIZE - 2
  )
    problems.push(
      `OCP_DATABASE_POOL_SIZE: expected at least ${config.OCP_LOAD_CONCURRENCY + config.OCP_SQL_CONCURRENCY + 2} ` +
        `(OCP_LOAD_CONCURRENCY + OCP_SQL_CONCURRENCY + 2), found ${config.OCP_DATABASE_POOL_SIZE}`,
    );
  // Swept line items are loaded again from the archive, and raw payloads are what a replay reads.
  if (
    problems.length === 0 &&
    config.ARCHIVE_RETENTION !== undefined &&
    config.ARCHIVE_RETENTION < config.RETAIN_NUM_MONTHS
  )
    problems.push(
      `ARCHIVE_RETENTION: expected at least ${config.RETAIN_NUM_MONTHS} months (RETAIN_NUM_MONTHS), found ${config.ARCHIVE_RETENTION}`,
    );
  if (problems.length > 0) throw new ConfigInvalid(`Configuration is invalid:\n  ${problems.join('\n  ')}`);
  return config;
}

/** The configuration table of the README, one row per variable. */
export function configurationTable(): { name: string; fallback: string; meaning: string }[] {
  return Object.entries(settings as Record<string, Setting<z.ZodType>>).map(
    ([name, { fallback, meaning }]) => ({
      name,
      fallback: fallback ?? '',
      meaning,
    }),
  );
}

/** "Now" for date rules: `OCP_NOW` when set, else the system clock. Event timestamps come from PostgreSQL instead. */
export function clock(config: Pick<Config, 'OCP_NOW'>): () => Date {
  const fixed = config.OCP_NOW;
  return fixed === undefined ? () => new Date() : () => new Date(fixed);
}
