import { ObjectKeyInvalid, ObjectStoreError } from './object-store.ts';

const credentials = 'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy of the bucket';
const reachability = 'check S3_ENDPOINT, the network and that the S3 server is up';

/** What to do, by S3 error code, client error name or network error code. */
const adviceByName: Readonly<Record<string, string>> = {
  NoSuchBucket: 'create the bucket, or correct its name in OBJECT_STORE',
  AccessDenied: credentials,
  Forbidden: credentials,
  InvalidAccessKeyId: credentials,
  SignatureDoesNotMatch: credentials,
  ExpiredToken: 'the session token has expired; renew AWS_SESSION_TOKEN',
  CredentialsProviderError: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role',
  PermanentRedirect: 'the bucket is in another region; set AWS_REGION',
  AuthorizationHeaderMalformed: 'the bucket is in another region; set AWS_REGION',
  RequestTimeTooSkewed: 'the clock of this machine is wrong; correct it',
  QuotaExceeded: 'the bucket is full',
  ExistingObjectIsDirectory: 'other objects exist below this key, which this S3 server does not allow',
  ObjectParentIsFile: 'a part of this key is itself an object, which this S3 server does not allow',
  ECONNREFUSED: reachability,
  ECONNRESET: reachability,
  ENOTFOUND: reachability,
  EHOSTUNREACH: reachability,
  ETIMEDOUT: reachability,
  TimeoutError: reachability,
  ERR_STREAM_PREMATURE_CLOSE: reachability,
};

interface ClientError extends Error {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/** HTTP status of an error of the S3 client, or undefined if there was no response. */
function httpStatusOf(error: unknown): number | undefined {
  return error instanceof Error ? (error as ClientError).$metadata?.httpStatusCode : undefined;
}

/**
 * Whether the S3 client's error says that the key does not exist. A HEAD response has no body, so only its status can
 * tell.
 */
export function isKeyAbsent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'NoSuchKey' || error.name === 'NotFound';
}

/**
 * Translate whatever the S3 client threw into one clear error; our own errors pass. The client's own message is in
 * `cause`.
 */
export function translateS3Error(what: string, location: string, error: unknown): unknown {
  if (error instanceof ObjectStoreError || error instanceof ObjectKeyInvalid) return error;
  const name = describe(error);
  const status = httpStatusOf(error);
  const advice = adviceOf(error) ?? 'see the cause, and the log of the S3 server';
  return new ObjectStoreError(
    `Object store ${location}: ${what} failed (${name}${status === undefined ? '' : `, HTTP ${status}`}); ${advice}`,
    { cause: withoutRequest(error) },
  );
}

/**
 * The S3 client's error without the HTTP exchange that it carries (`$response`): a logger that prints the whole error
 * would also print the access key and the signature of the request.
 */
export function withoutRequest(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, $metadata } = error as ClientError;
  const copy = Object.assign(new Error(error.message), {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    ...($metadata === undefined ? {} : { $metadata: { ...$metadata } }),
  });
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = error as ClientError;
  if (typeof code === 'string') return code;
  return error.name;
}

function adviceOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.message === 'Region is missing') return 'set AWS_REGION';
  return adviceByName[error.name] ?? adviceByName[describe(error)];
}
