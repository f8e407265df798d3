import { z } from 'zod';
import { PipelineError } from '../failures/failures.ts';
import { hoursPerDay, pullEndBack } from './manifest-dates.ts';
import { dataCollectionMessage, operatorStatus, withoutUnstorable } from './operator-status.ts';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.ts';
import type { PayloadTimestamp } from '../time/timestamp.ts';

/**
 * The checked contents of a payload's manifest.json. JSON-safe: it is stored as jsonb and passed between activities.
 * Times are ISO 8601 in UTC with six digits of fraction.
 */
export interface Manifest {
  /** payload set id, version 4 UUID, lower case; several archives can carry the same one */
  uuid: string;
  clusterId: string;
  /** when the operator created the payload */
  date: string;
  /** git commit or release of the operator; `""` when not sent */
  version: string;
  /** release of the operator, derived from `version`; a value in the payload is never trusted */
  operatorVersion: string;
  certified: boolean;
  /** the files hold each day from 00:00 until now, so newer data replaces older data */
  dailyReports: boolean;
  /** usage reports of the whole set, including those that arrive in other archives */
  files: string[];
  /** reports for resource optimization; never summarised */
  resourceOptimizationFiles: string[];
  /** first instant covered */
  start?: string;
  /** last second covered, or the first instant after; moved back if it lies on the first of another month */
  end?: string;
  /** `end` before it was moved back; absent if `end` is */
  sentEnd?: string;
  /** UTC day to hours covered (0 to 24), computed before `end` was moved back; empty without both dates */
  hoursPerDay: Record<string, number>;
  /** the operator says that it had no data; there is nothing to summarise */
  collectedNothing: boolean;
  /** why there was no data, with the contents of braces masked */
  dataCollectionMessage?: string;
  clusterChannel: string | null;
  operatorAirgapped: boolean | null;
  /** `authentication_error`, `packaging_error`, … mapped to the operator's text; null if there are none */
  operatorErrors: Record<string, string> | null;
}

const MAX_FILE_NAME_LENGTH = 128;
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** What the operator, written in Go, sends for a time that was never set. */
const NEVER_MS = Date.parse('0001-01-01T00:00:00Z');
// Control characters would end up in object keys and logs; PostgreSQL stores neither NUL nor unpaired surrogates.
const UNPRINTABLE = /[\p{Control}\p{Surrogate}]/u;

function quoted(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

const expected = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => `expected ${what}, found ${quoted(input)}`,
});

/** Values become parts of object keys and paths, so a name is a single plain path segment. */
function isPlainName(name: string): boolean {
  return (
    name !== '' && name !== '.' && !name.includes('..') && !/[/\\]/.test(name) && !UNPRINTABLE.test(name)
  );
}

const plainName = z
  .string(expected('a string'))
  .refine(isPlainName, expected('a non-empty name without "/", "\\", ".." or control character'));

const fileName = plainName.refine((name) => name.length <= MAX_FILE_NAME_LENGTH, {
  error: ({ input }) => `expected at most ${MAX_FILE_NAME_LENGTH} characters, found ${String(input).length}`,
});

const fileNames = z
  .array(fileName, expected('a list of names'))
  .nullish()
  .transform((names) => names ?? [])
  .check((ctx) => {
    const seen = new Set<string>();
    for (const name of ctx.value) {
      if (seen.has(name)) {
        ctx.issues.push({ code: 'custom', message: `${quoted(name)} is listed twice`, input: ctx.value });
      }
      seen.add(name);
    }
  });

const timeForm = 'a time like 2026-10-01T00:00:00Z';

const timestamp = z.string(expected(timeForm)).transform((text, ctx): PayloadTimestamp => {
  const parsed = parseTimestamp(text.trim());
  if (parsed !== undefined) return parsed;
  ctx.issues.push({ code: 'custom', message: `expected ${timeForm}, found ${quoted(text)}`, input: text });
  return z.NEVER;
});

const optionalTimestamp = timestamp.nullish().transform((value) => value ?? undefined);

const sentManifest = z.object(
  {
    uuid: z.string(expected('a version 4 UUID')).regex(UUID_V4, expected('a version 4 UUID')),
    cluster_id: plainName,
    date: timestamp,
    version: z.string(expected('a string')).default(''),
    certified: z.boolean(expected('true or false')).default(false),
    daily_reports: z.boolean(expected('true or false')).default(false),
    files: fileNames,
    resource_optimization_files: fileNames,
    start: optionalTimestamp,
    end: optionalTimestamp,
    cr_status: z.record(z.string(), z.unknown(), expected('an object')).default({}),
  },
  expected('an object'),
);

type SentManifest = z.infer<typeof sentManifest>;

/** The Temporal server cuts messages at 4 KiB; the first problems are enough. */
const MAX_PROBLEMS_NAMED = 10;

function invalid(problems: readonly string[], cause?: unknown): PipelineError {
  const named = problems.slice(0, MAX_PROBLEMS_NAMED);
  const more = problems.length - named.length;
  if (more > 0) named.push(`and ${more} more problems`);
  return new PipelineError('ManifestInvalid', `manifest.json: ${named.join('; ')}`, {
    details: { problemCount: problems.length },
    ...(cause === undefined ? {} : { cause }),
  });
}

function readJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(
      typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid([`expected JSON in UTF-8: ${reason}`], cause);
  }
}

function coveredTime(sent: SentManifest): Pick<Manifest, 'start' | 'end' | 'sentEnd' | 'hoursPerDay'> {
  const { start, end } = sent;
  if (start === undefined || end === undefined) {
    return {
      ...(start === undefined ? {} : { start: formatTimestamp(start) }),
      ...(end === undefined ? {} : { end: formatTimestamp(end), sentEnd: formatTimestamp(end) }),
      hoursPerDay: {},
    };
  }
  return {
    start: formatTimestamp(start),
    end: formatTimestamp(pullEndBack(start, end)),
    sentEnd: formatTimestamp(end),
    hoursPerDay: hoursPerDay(start, end),
  };
}

/**
 * Read and check manifest.json.
 *
 * @param text the file as read from the archive; its size was limited there
 * @throws PipelineError `ManifestInvalid` (not retried) that names every problem found
 */
export function parseManifest(text: string | Uint8Array): Manifest {
  try {
    return readManifest(text);
  } catch (cause) {
    // The stack is the only limit on nesting; no genuine manifest comes near it.
    if (cause instanceof RangeError)
      throw invalid(['expected little nesting, found a document nested too deeply'], cause);
    throw cause;
  }
}

function readManifest(text: string | Uint8Array): Manifest {
  const result = sentManifest.safeParse(readJson(text));
  if (!result.success) {
    throw invalid(
      result.error.issues.map((issue) =>
        issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`,
      ),
    );
  }
  const sent = result.data;
  const version = withoutUnstorable(sent.version);
  const collectedNothing = [sent.start, sent.end].some((time) => time?.epochMs === NEVER_MS);
  const reason = collectedNothing ? dataCollectionMessage(sent.cr_status) : undefined;
  return {
    uuid: sent.uuid.toLowerCase(),
    clusterId: sent.cluster_id,
    date: formatTimestamp(sent.date),
    version,
    operatorVersion: version,
    certified: sent.certified,
    dailyReports: sent.daily_reports,
    files: sent.files,
    resourceOptimizationFiles: sent.resource_optimization_files,
    ...coveredTime(sent),
    ...(collectedNothing ? { hoursPerDay: {} } : {}),
    collectedNothing,
    ...(reason === undefined ? {} : { dataCollectionMessage: reason }),
    ...operatorStatus(sent.cr_status),
  };
}
