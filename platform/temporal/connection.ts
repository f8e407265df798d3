import { Client, Connection } from '@temporalio/client';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import type { ClientConfigProfile, ClientConnectConfig } from '@temporalio/envconfig';
import { PipelineError } from '../../domain/failures/failures.ts';
import { explainServiceError } from './service-errors.ts';

/** Where Temporal is and how to connect to it. */
export interface TemporalTarget {
  connectionOptions: ClientConnectConfig['connectionOptions'];
  namespace: string;
}

/**
 * The one place that decides how payloads are written to history. They contain references only, so there is no codec; a
 * deployment that wants one adds it here, for workers, command line and tests alike.
 */
export const dataConverter: DataConverter = {};

/**
 * Temporal as configured by its standard variables and configuration file (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS_…`, `TEMPORAL_CONFIG_FILE`, `TEMPORAL_PROFILE`).
 *
 * @returns undefined if no address is configured anywhere
 * @throws PipelineError `ConfigInvalid`, without repeating any value, if they cannot be read or contradict each other
 */
export function configuredTemporal(environment: NodeJS.ProcessEnv = process.env): TemporalTarget | undefined {
  const profile = readProfile(environment);
  if (profile.address === undefined) return undefined;
  checkTls(profile);
  try {
    const { connectionOptions, namespace } = toClientOptions(profile);
    return { connectionOptions, namespace: namespace ?? 'default' };
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    throw new PipelineError(
      'ConfigInvalid',
      `Temporal's TLS files: ${path ?? 'one'} cannot be read (${code ?? 'unknown reason'}); check TEMPORAL_TLS_CLIENT_CERT_PATH, ` +
        'TEMPORAL_TLS_CLIENT_KEY_PATH and TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    );
  }
}

/** Settings that the loader accepts silently, although they cannot work as intended. */
function checkTls({ address, apiKey, tls }: ClientConfigProfile): void {
  if ((tls?.clientCert === undefined) !== (tls?.clientKey === undefined))
    throw new PipelineError(
      'ConfigInvalid',
      'Temporal by mTLS: expected a client certificate and its key, found one of them; set both ' +
        'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
    );
  if (apiKey !== undefined && tls?.disabled === true)
    throw new PipelineError(
      'ConfigInvalid',
      `TEMPORAL_API_KEY: would be sent to ${address ?? 'the server'} unencrypted, because TLS is disabled; remove TEMPORAL_TLS`,
    );
}

/** An empty variable, such as an optional secret in Kubernetes, counts as unset. */
function withoutEmpty(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || (value === '' && !name.startsWith('TEMPORAL_GRPC_META_')) ? [] : [[name, value]],
    ),
  );
}

function readProfile(environment: NodeJS.ProcessEnv): ClientConfigProfile {
  try {
    return loadClientConfigProfile({ overrideEnvVars: withoutEmpty(environment) });
  } catch (error) {
    // The parser's message shows the lines around the mistake, and one of them may contain the API key.
    const { code, line, message } = error as { code?: string; line?: number; message: string };
    const reason =
      line !== undefined
        ? `line ${line} is not valid TOML`
        : (code ?? (message.startsWith('Profile ') ? message : 'expected tables named [profile.NAME]'));
    throw new PipelineError(
      'ConfigInvalid',
      `Temporal's configuration file: ${reason}; check TEMPORAL_CONFIG_FILE and TEMPORAL_PROFILE`,
    );
  }
}

/** A server on a loopback address, without TLS: the embedded one. */
export function localTemporal(address: string, namespace = 'default'): TemporalTarget {
  return { connectionOptions: { address }, namespace };
}

/**
 * Connect a client.
 * @param interceptors see every start of a workflow
 * @throws Error naming the address if nobody answers
 */
export async function connectClient(
  target: TemporalTarget,
  interceptors: WorkflowClientInterceptor[] = [],
): Promise<Client> {
  try {
    const connection = await Connection.connect({
      connectTimeout: '10s',
      ...target.connectionOptions,
    });
    return new Client({
      connection,
      namespace: target.namespace,
      dataConverter,
      interceptors: { workflow: interceptors },
    });
  } catch (cause) {
    throw unreachable(target, cause);
  }
}

/**
 * A client that connects with its first request: for a process that does its work while Temporal is away.
 * @param interceptors see every start of a workflow
 */
export function lazyClient(target: TemporalTarget, interceptors: WorkflowClientInterceptor[] = []): Client {
  return new Client({
    connection: Connection.lazy({ connectTimeout: '10s', ...target.connectionOptions }),
    namespace: target.namespace,
    dataConverter,
    interceptors: { workflow: interceptors },
  });
}

/** The message for a failed connection to `target`: that it cannot be reached, or what it rejected. */
export function unreachable(target: TemporalTarget, cause: unknown): PipelineError {
  // A server that answers is reachable; it rejected us.
  const refused = explainServiceError(cause, target);
  if (refused !== undefined) return new PipelineError('TemporalRefused', refused, { cause });
  return new PipelineError(
    'TemporalUnavailable',
    `Temporal at ${target.connectionOptions.address ?? '?'} (namespace ${target.namespace}) cannot be reached: ` +
      `${cause instanceof Error ? cause.message : String(cause)}; check TEMPORAL_ADDRESS and that the server is running`,
    { cause },
  );
}
