import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../../domain/failures/failures.ts';
import { FileObjectStore } from './file-store.ts';
import { isObjectKey } from './object-key.ts';
import type { OpenedObjectStore } from './object-store.ts';
import { S3ObjectStore } from './s3-store.ts';

/** Which store to open. */
export interface OpenObjectStoreOptions {
  /** `file:///directory` or `s3://bucket/prefix` (the prefix may be absent). */
  readonly url: string;
  /** Only for `s3:`; missing options come from the AWS SDK's environment variables. Credentials always do. */
  readonly s3?: { readonly endpoint?: string | undefined; readonly region?: string | undefined };
}

/** A bucket that others read: its objects have addresses. */
export type Bucket = OpenedObjectStore & Pick<S3ObjectStore, 'presignedAddress'>;

/** Open a bucket. Nothing is contacted yet. */
export function openBucket({
  bucket,
  endpoint,
  region,
}: {
  bucket: string;
  endpoint: string | undefined;
  region: string | undefined;
}): Bucket {
  return new S3ObjectStore({
    bucket,
    prefix: '',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  });
}

const expected = 'expected file:///directory or s3://bucket/prefix in OBJECT_STORE';

/**
 * Open an object store. Nothing is contacted yet; `checkObjectStore` does that.
 *
 * @throws PipelineError `ConfigInvalid` if the address has neither format; the message does not repeat it, because it
 * may contain credentials
 */
export function openObjectStore({ url, s3 }: OpenObjectStoreOptions): OpenedObjectStore {
  if (!URL.canParse(url))
    throw new PipelineError('ConfigInvalid', `Object store address is not a URL; ${expected}`);
  const address = new URL(url);
  if (address.username !== '' || address.password !== '')
    throw new PipelineError(
      'ConfigInvalid',
      'Object store address contains credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead',
    );
  if (address.search !== '' || address.hash !== '')
    throw new PipelineError('ConfigInvalid', `Object store address contains "?" or "#"; ${expected}`);
  if (address.protocol === 'file:' && address.host === '')
    return new FileObjectStore(resolve(fileURLToPath(address)));
  if (address.protocol === 's3:' && address.port === '' && address.hostname !== '')
    return openS3(address, s3);
  throw new PipelineError('ConfigInvalid', `Object store address cannot be used; ${expected}`);
}

function openS3(address: URL, s3: OpenObjectStoreOptions['s3']): OpenedObjectStore {
  const prefix = decoded(address.pathname)?.replace(/^\/+|\/+$/g, '');
  if (prefix === undefined || (prefix !== '' && !isObjectKey(prefix)))
    throw new PipelineError(
      'ConfigInvalid',
      `Object store prefix ${JSON.stringify(address.pathname)} cannot be used; ${expected}`,
    );
  return new S3ObjectStore({
    bucket: address.hostname,
    prefix,
    ...(s3?.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
    ...(s3?.region === undefined ? {} : { region: s3.region }),
  });
}

function decoded(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined; // a "%" that no two hexadecimal digits follow
  }
}
