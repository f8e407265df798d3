import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { searchAttributeNames } from '../../domain/run/search-attributes.ts';

/** The parts of a {@link import('./connection.ts').TemporalTarget} that messages mention. */
export interface NamedTarget {
  connectionOptions: { address?: string };
  namespace: string;
}

/** What a response of the server means, by gRPC status code, and what to do about it. */
const meanings: Readonly<Record<number, { name: string; remedy: string }>> = {
  3: { name: 'INVALID_ARGUMENT', remedy: 'ocp-pipeline doctor shows what is missing in the namespace' },
  4: {
    name: 'DEADLINE_EXCEEDED',
    remedy: 'the server did not answer in time; check its load and the network, then try again',
  },
  5: { name: 'NOT_FOUND', remedy: 'check TEMPORAL_NAMESPACE and TEMPORAL_ADDRESS' },
  7: {
    name: 'PERMISSION_DENIED',
    remedy:
      'these credentials lack the permission for this in the namespace; check TEMPORAL_NAMESPACE and the role of the API key or certificate',
  },
  8: {
    name: 'RESOURCE_EXHAUSTED',
    remedy: "the server's rate limits are exceeded; try again later, or have the namespace's limits raised",
  },
  9: { name: 'FAILED_PRECONDITION', remedy: 'look at the workflow in the Temporal UI' },
  12: {
    name: 'UNIMPLEMENTED',
    remedy: 'the server does not support this request; use Temporal server 1.29 or later',
  },
  13: { name: 'INTERNAL', remedy: 'check the log of the Temporal server, then try again' },
  14: { name: 'UNAVAILABLE', remedy: 'check TEMPORAL_ADDRESS, the network and that the server is running' },
  16: {
    name: 'UNAUTHENTICATED',
    remedy: 'the server does not accept these credentials; check TEMPORAL_API_KEY or the client certificate',
  },
};

/**
 * The message for a request that Temporal refused: what failed, where, what the server answered, and what to do. The
 * SDK's own message contains none of it ("Failed to start Workflow").
 *
 * @param target where the request went; undefined if unknown
 * @returns undefined for errors that are not responses of the server
 */
export function explainServiceError(error: unknown, target?: NamedTarget): string | undefined {
  const where =
    target === undefined
      ? 'Temporal'
      : `Temporal at ${target.connectionOptions.address ?? '?'} (namespace ${target.namespace})`;
  if (error instanceof NamespaceNotFoundError)
    return `${where}: namespace ${error.namespace} does not exist; ${namespaceRemedy(error.namespace)}`;
  const answer: unknown = error instanceof ServiceError ? error.cause : error;
  const what = error instanceof ServiceError ? `${error.message} – ` : '';
  const said = answer instanceof Error ? answer.message : 'no reason given';
  if (!isGrpcServiceError(answer))
    return error instanceof ServiceError ? `${where}: ${what}${said}` : undefined;
  const { details } = answer;
  const missing = searchAttributeNames.filter((name) => new RegExp(`\\b${name}\\b`).test(details));
  if (missing.length > 0 && /search attribute/i.test(details))
    return (
      `${where}: ${what}the namespace lacks the search attribute ${missing.join(', ')}; ` +
      'to register it, run: ocp-pipeline setup'
    );
  const namespace = /^Namespace (\S+) is not found/i.exec(details)?.[1];
  if (namespace !== undefined)
    return `${where}: ${what}namespace ${namespace} does not exist; ${namespaceRemedy(namespace)}`;
  const { name, remedy } = meanings[answer.code] ?? { name: `code ${answer.code}`, remedy: 'try again' };
  return `${where}: ${what}${details || said} (${name}); ${remedy}`;
}

function namespaceRemedy(namespace: string): string {
  return `correct TEMPORAL_NAMESPACE, or create it: temporal operator namespace create --namespace ${namespace}`;
}
