import { PipelineError } from '../../domain/failures/failures.ts';
import { z } from 'zod';
import { audienceProblems, httpSettings } from './http-settings.ts';
import { withAliases } from './aliases.ts';
import { cacheSettings } from './cache-settings.ts';
import { kafkaProblems, kafkaSettings } from './kafka-settings.ts';
import { trinoProblems, trinoSettings } from './trino-settings.ts';
import { durationMs, setting, wholeNumber } from './setting.ts';
import type { Setting } from './setting.ts';

/** Rules profile: how effective usage is computed and which labels win. */
export const rulesProfile = z.enum(['design', 'koku']);
export type RulesProfile = z.infer<typeof rulesProfile>;

/** What turns line items into daily relations; the constraints of `ocp_source_month` and others have the same names. */
export const engineNames = ['postgres', 'trino'] as const;
export type EngineName = (typeof engineNames)[number];

const settings = {
  DATABASE_URL: {
    ...setting(
      z
        .url({ protocol: /^postgres(ql)?$/, error: 'expected postgresql://user:password@host:port/database' })
        .optional(),
      'PostgreSQL 15 to 18. Unset: the embedded PostgreSQL',
    ),
    secret: true as const,
  },
  OBJECT_STORE: setting(
    z
      .string()
      .regex(/^(file:\/\/\/|s3:\/\/)./, 'expected file:///directory or s3://bucket/prefix')
      .optional(),
    'store for payloads and daily CSVs: `file:///directory` or `s3://bucket/prefix`. Unset: a directory under' +
      ' `OCP_DATA_DIR`',
  ),
  S3_ENDPOINT: setting(
    z.url({ protocol: /^https?$/, error: 'expected http://host:port or https://host' }).optional(),
    "endpoint of an S3 server other than AWS; credentials come from the AWS SDK's own variables",
  ),
  S3_REGION: setting(
    z.string().min(1).max(64).optional(),
    'region of the buckets. Unset: `AWS_REGION`, then the AWS profile',
  ),
  OCP_LOCAL_DOWNLOADS: setting(
    z.enum(['true', 'false']).optional(),
    'whether payloads may be downloaded by HTTP from loopback and link-local addresses. Unset: only with the ' +
      'embedded Temporal',
  ),
  OCP_POSTGRES_PIPELINE: setting(
    z.enum(['true', 'false']),
    'engine of the deployment: `true` PostgreSQL, `false` Trino (`TRINO_URL`); each tenant can override it, a month keeps ' +
      'its own',
    'true',
  ),
  OCP_RULES: setting(
    rulesProfile,
    'rules profile, `design` or `koku`; each tenant can override it',
    'design',
  ),
  OCP_NOW: setting(
    z.iso
      .datetime({ offset: true, error: 'expected an ISO 8601 time such as 2026-10-15T00:00:00Z' })
      .optional(),
    'fixed current time for all date rules (retention, current month), for tests and demos',
  ),
  OCP_DATA_DIR: setting(z.string().min(1), 'directory for the embedded servers and for log files', '.data'),
  OCP_LOG_LEVEL: setting(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']), 'log level', 'info'),
  OCP_MANIFEST_WAIT: setting(
    durationMs,
    'how long a run waits for the remaining archives of its manifest',
    '15m',
  ),
  OCP_MANIFEST_POLL_MAX: setting(
    durationMs,
    'maximum interval between checks while it waits; the interval starts at 1 s and doubles',
    '30s',
  ),
  OCP_SETTINGS_DELAY: setting(
    durationMs,
    'how long settings, such as tag keys or the cost model, must stay unchanged before the month is rebuilt',
    '1h',
  ),
  BLOCKED_WAIT: setting(
    durationMs,
    "how long a run that has exhausted its retries waits for an operator's decision before it fails",
    '24h',
  ),
  OCP_LOAD_CONCURRENCY: setting(
    wholeNumber(1, 64),
    'pieces that a run loads in parallel, and load slots per worker',
    '8',
  ),
  OCP_SQL_CONCURRENCY: setting(wholeNumber(1, 64), 'aggregation slots per worker', '4'),
  OCP_CACHED_RUNS: setting(
    wholeNumber(1, 100_000),
    'maximum number of running workflows that a worker caches between their tasks; others are replayed from ' +
      'history at their next task',
    '1000',
  ),
  OCP_DATABASE_POOL_SIZE: setting(
    wholeNumber(4, 500),
    'connections per worker process: at least the load, aggregation and Trino slots and two more',
    '16',
  ),
  OCP_SHUTDOWN_GRACE: setting(
    durationMs,
    'how long running activities may continue after SIGTERM before they are cancelled; after twice this time ' +
      'the worker exits with an error',
    '30s',
  ),
  TEMPORAL_WORKER_BUILD_ID: setting(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
        'expected 1 to 128 letters, digits, dots, hyphens or underscores',
      )
      .optional(),
    'build id of the worker, for example the git commit. Enables Worker Deployment Versioning: the worker ' +
      'gets no tasks until `ocp-pipeline deployment set-current`. Unset: unversioned',
  ),
  TEMPORAL_DEPLOYMENT_NAME: setting(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/,
        'expected 1 to 128 letters, digits, hyphens or underscores',
      ),
    'name of the Worker Deployment that the build ids belong to',
    'ocp-pipeline',
  ),
  HOSTNAME: setting(
    z.string().max(255).optional(),
    'identity of the worker in Temporal; Kubernetes sets it to the pod name. Unset: process id and host name',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    z.url({ protocol: /^https?$/, error: 'expected http://host:4318 or https://host' }).optional(),
    'collector for traces (OTLP over HTTP, JSON); `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`,' +
      ' `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are honoured too. Unset: disabled',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: {
    ...setting(z.string().optional(), 'headers for the collector, `name=value,name=value`; never displayed'),
    secret: true as const,
  },
  OTEL_EXPORTER_OTLP_TIMEOUT: setting(
    wholeNumber(1, 600_000),
    'timeout of one export, milliseconds',
    '10000',
  ),
  OCP_ACTIVITY_TRANSFER_TIMEOUT: setting(
    durationMs,
    'time limit for downloading or splitting a payload, retries included',
    '6h',
  ),
  OCP_ACTIVITY_SQL_TIMEOUT: setting(
    durationMs,
    'time limit for loading a piece or running a summary step, retries included',
    '12h',
  ),
  OCP_ACTIVITY_RETRY_INITIAL: setting(
    durationMs,
    'initial retry interval of an activity; it doubles with each attempt',
    '2s',
  ),
  OCP_ACTIVITY_RETRY_MAX: setting(durationMs, 'maximum retry interval of an activity', '2m'),
  MAX_REJECTED_ROWS: setting(
    wholeNumber(0, 1_000_000_000),
    'a file fails if it has more rejected rows than this and …',
    '100',
  ),
  MAX_REJECTED_ROWS_PERCENT: setting(
    z.coerce.number().min(0).max(100),
    '… more than this percentage of its rows',
    '5',
  ),
  OCP_MAX_NEW_LABEL_KEYS: setting(
    wholeNumber(0, 1_000_000),
    'maximum number of new label keys that one payload may register (disabled). Further keys stay in the ' +
      'label sets, with a warning, and can still be enabled by name',
    '10000',
  ),
  OCP_MAX_NEW_LABEL_SETS: setting(
    wholeNumber(0, 100_000_000),
    'maximum number of new label sets that one payload may store. Further sets keep only their enabled ' +
      'labels, with a warning; no usage is lost',
    '500000',
  ),
  STAGING_RETENTION_DAYS: setting(
    wholeNumber(1, 3_650),
    'days that line items stay in staging after their day and its summary',
    '7',
  ),
  ARCHIVE_RETENTION: setting(
    wholeNumber(1, 240).optional(),
    'calendar months that raw payloads and daily CSVs are kept, at least `RETAIN_NUM_MONTHS`. Unset: 6, or ' +
      'the retention months if those are more',
  ),
  OCP_METRICS_ADDRESS: setting(
    z
      .string()
      .regex(/^[^:]+:\d+$/, 'expected host:port, for example 127.0.0.1:9464')
      .optional(),
    '`host:port` at which a worker serves Prometheus metrics. Unset: disabled',
  ),
  OCP_HEALTH_ADDRESS: setting(
    z
      .string()
      .regex(/^[^:]+:\d+$/, 'expected host:port, for example 127.0.0.1:9465')
      .optional(),
    '`host:port` at which a worker serves `/healthz` and `/readyz`. Unset: disabled',
  ),
  RETAIN_NUM_MONTHS: setting(
    wholeNumber(1, 120),
    'calendar months kept, including the current one. Older data are not ingested, and are purged. At the ' +
      "default, a tenant's own `data_retention_months` applies",
    '4',
  ),
  ...httpSettings,
  ...kafkaSettings,
  ...cacheSettings,
  ...trinoSettings,
} satisfies Record<string, Setting<z.ZodType>>;

type SettingName = keyof typeof settings;

/** Validated configuration; names are the environment variables, durations are milliseconds. */
export type Config = { readonly [Name in SettingName]: z.infer<(typeof settings)[Name]['schema']> };

/** Every environment variable of ours; Temporal's and AWS's own variables are read by their libraries. */
export const configurationKeys: readonly string[] = Object.keys(settings);

/**
 * Read and validate the environment. The only reader of our environment variables. All problems are reported at once,
 * one per line, without values of secrets.
 *
 * @throws PipelineError `ConfigInvalid` naming every invalid variable, what was expected and what was found
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const values: Record<string, unknown> = {};
  const { given: named, problems } = withAliases(environment);
  for (const [name, { schema, fallback, secret }] of Object.entries(settings) as [
    string,
    Setting<z.ZodType>,
  ][]) {
    const text = named[name]?.trim();
    const given = text === undefined || text === '' ? fallback : text;
    const parsed = schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else {
      const found = secret === true ? 'an invalid value' : `"${given ?? ''}"`;
      problems.push(
        `${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}; found ${found}`,
      );
    }
  }
  const config = values as Config;
  if (problems.length === 0) problems.push(...poolProblems(config));
  if (problems.length === 0)
    problems.push(...kafkaProblems(config), ...trinoProblems(config), ...audienceProblems(config));
  // Swept line items are loaded again from the archive, and raw payloads are what a replay reads.
  if (
    problems.length === 0 &&
    config.ARCHIVE_RETENTION !== undefined &&
    config.ARCHIVE_RETENTION < config.RETAIN_NUM_MONTHS
  )
    problems.push(
      `ARCHIVE_RETENTION: expected at least ${config.RETAIN_NUM_MONTHS} months (RETAIN_NUM_MONTHS), ` +
        `found ${config.ARCHIVE_RETENTION}`,
    );
  if (problems.length > 0)
    throw new PipelineError('ConfigInvalid', `Configuration is invalid:\n  ${problems.join('\n  ')}`);
  return config;
}

/** The log level alone, for what is said while the rest of the environment may be invalid; an invalid one is `info`. */
export function configuredLogLevel(environment: NodeJS.ProcessEnv = process.env): Config['OCP_LOG_LEVEL'] {
  const { schema } = settings.OCP_LOG_LEVEL;
  const parsed = schema.safeParse(environment['OCP_LOG_LEVEL']?.trim());
  return parsed.success ? parsed.data : 'info';
}

/** Every slot that may need a connection of the pool must get one. */
function poolProblems(config: Config): string[] {
  const slots = [
    'OCP_LOAD_CONCURRENCY',
    'OCP_SQL_CONCURRENCY',
    ...(config.TRINO_URL === undefined ? [] : (['TRINO_CONCURRENCY'] as const)),
  ] as const;
  const expected = slots.reduce((sum, name) => sum + config[name], 2);
  if (config.OCP_DATABASE_POOL_SIZE >= expected) return [];
  return [
    `OCP_DATABASE_POOL_SIZE: expected at least ${expected} (${[...slots, 2].join(' + ')}), ` +
      `found ${config.OCP_DATABASE_POOL_SIZE}`,
  ];
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
