import { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';

/** Where Temporal is and how to connect to it. */
export interface TemporalTarget {
  connectionOptions: ClientConnectConfig['connectionOptions'];
  namespace: string;
}

/**
 * The one place that decides how payloads are written to history. They hold references only, so there is no codec;
 * a deployment that wants one adds it here and workers, command line and tests follow.
 */
export const dataConverter: DataConverter = {};

/**
 * Temporal as configured by its standard variables and configuration file (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS_…`, `TEMPORAL_CONFIG_FILE`, `TEMPORAL_PROFILE`).
 *
 * @returns undefined when no address is configured anywhere
 */
export function configuredTemporal(): TemporalTarget | undefined {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  if (connectionOptions.address === undefined) return undefined;
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** A server on a loopback address, without TLS: the embedded one. */
export function localTemporal(address: string, namespace = 'default'): TemporalTarget {
  return { connectionOptions: { address }, namespace };
}

/** Connect a client. @throws Error naming the address when nobody answers */
export async function connectClient(target: TemporalTarget): Promise<Client> {
  try {
    const connection = await Connection.connect({
      connectTimeout: '10s',
      ...target.connectionOptions,
    });
    return new Client({ connection, namespace: target.namespace, dataConverter });
  } catch (cause) {
    throw unreachable(target, cause);
  }
}

/** Connect for workers. @throws Error naming the address when nobody answers */
export async function connectWorker(target: TemporalTarget): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(target.connectionOptions);
  } catch (cause) {
    throw unreachable(target, cause);
  }
}

function unreachable(target: TemporalTarget, cause: unknown): Error {
  return new Error(
    `Temporal at ${target.connectionOptions.address ?? '?'} (namespace ${target.namespace}) cannot be reached: ` +
      `${cause instanceof Error ? cause.message : String(cause)}; check TEMPORAL_ADDRESS and that the server runs`,
    { cause },
  );
}
