import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Config } from '../config/config.ts';
import { packageVersion } from '../config/package-root.ts';
import { openPool } from '../database/database.ts';
import { openObjectStore } from '../object-store/index.ts';
import type { ObjectStore } from '../object-store/index.ts';
import type { Tracing } from '../observability/traced-process.ts';
import { startTracing } from '../observability/tracing.ts';
import { connectClient, lazyClient } from '../temporal/connection.ts';
import type { TemporalTarget } from '../temporal/connection.ts';
import type { Disposal } from './disposal.ts';

/** Where the servers are. */
export interface ServerAddresses {
  databaseUrl: string;
  objectStoreUrl: string;
  /** undefined: not used */
  temporal: TemporalTarget | undefined;
}

/** The components of a process, whatever it does: a command, a worker. */
export interface Services extends ServerAddresses {
  config: Config;
  /** a few connections, for anything but the activities of a worker */
  pool: Pool;
  objectStore: ObjectStore;
  /** name of this process in Temporal and in traces */
  identity: string;
  /** Open a separate pool; see {@link openPool}. */
  openPool(size: number, applicationName: string): Pool;
  /** The same for what only reads: with the role, or at the standby, of `READ_DATABASE_URL`. */
  openReadPool(size: number, applicationName: string): Pool;
  /** Connect another client. @throws Error naming the address if nobody answers */
  client(): Promise<Client>;
  /** Open a client that connects with its first request. */
  lazyClient(): Promise<Client>;
  /** Tracing, started at the first call; undefined if no collector is configured */
  tracing(): Promise<Tracing | undefined>;
  /** @throws Error if Temporal is not used */
  temporalTarget(): TemporalTarget;
  /** where to register what is opened in addition; closed with the services */
  disposal: Disposal;
  /** Report a problem that stops nothing. */
  warn(fields: object, message: string): void;
  /** Close everything that was opened, in reverse order. */
  close(): Promise<void>;
}

/** How to open {@link Services}. */
export interface ServiceOptions {
  config: Config;
  addresses: ServerAddresses;
  /** contains what was opened before, which is closed after the services */
  disposal: Disposal;
  /** called with a sentence if an idle connection breaks */
  say: (line: string) => void;
  /** called with problems that stop nothing: traces or samples that were dropped */
  warn: (fields: object, message: string) => void;
}

/** Maximum number of connections of a process without a worker. */
const clientPoolSize = 4;

/**
 * Open what a process needs to work with the database, the object store and Temporal. Nothing is contacted yet: the
 * pool connects with its first query, {@link Services.client} when it is called. Closing leaves nothing open, whatever
 * failed; so does a failure here.
 *
 * @throws Error if an address is invalid
 */
export async function openServices(options: ServiceOptions): Promise<Services> {
  const { config, addresses, disposal, say, warn } = options;
  const identity = config.HOSTNAME ?? `${process.pid}@${hostname()}`;
  const newPool = (size: number, applicationName: string, url = addresses.databaseUrl) => {
    const opened = openPool({
      url,
      size,
      applicationName,
      onIdleError: (error) => {
        // Connections that are being closed may still report that the server is gone.
        if (!disposal.closing) say(error.message);
      },
    });
    disposal.add(`the connection pool "${applicationName}"`, () => opened.end());
    return opened;
  };
  const newObjectStore = () => {
    const opened = openObjectStore({
      url: addresses.objectStoreUrl,
      s3: { endpoint: config.S3_ENDPOINT, region: config.S3_REGION },
    });
    disposal.add(`the object store ${opened.location}`, () => opened.close());
    return opened;
  };
  const temporalTarget = () => {
    if (addresses.temporal === undefined) throw new Error('this process did not request Temporal');
    return addresses.temporal;
  };
  let tracing: Promise<Tracing | undefined> | undefined;
  const traced = () =>
    (tracing ??= disposal.open(
      'tracing',
      () =>
        startTracing(config, {
          version: packageVersion(),
          instance: identity,
          onError: (error) => {
            warn({ error }, 'traces were dropped');
          },
        }),
      (opened) => opened?.close(),
    ));
  const client = async () => {
    const interceptor = (await traced())?.client;
    return disposal.open(
      'the connection to Temporal',
      () => connectClient(temporalTarget(), interceptor === undefined ? [] : [interceptor]),
      ({ connection }) => connection.close(),
    );
  };
  const clientForLater = async () => {
    const interceptor = (await traced())?.client;
    return disposal.open(
      'the connection to Temporal',
      () => Promise.resolve(lazyClient(temporalTarget(), interceptor === undefined ? [] : [interceptor])),
      ({ connection }) => connection.close(),
    );
  };
  return disposal.closingOnFailure(() => ({
    ...addresses,
    config,
    identity,
    pool: newPool(clientPoolSize, 'ocp-pipeline'),
    objectStore: newObjectStore(),
    openPool: (size, applicationName) => newPool(size, applicationName),
    openReadPool: (size, applicationName) => newPool(size, applicationName, config.READ_DATABASE_URL),
    client,
    lazyClient: clientForLater,
    tracing: traced,
    temporalTarget,
    disposal,
    warn,
    close: () => disposal.close(),
  }));
}
