import { NativeConnection } from '@temporalio/worker';
import { unreachable } from '../platform/temporal/connection.ts';
import type { TemporalTarget } from '../platform/temporal/connection.ts';

/**
 * Connect for workers. Importing this loads Temporal's native core; a client does without.
 *
 * @throws Error naming the address if nobody answers
 */
export async function connectWorker(target: TemporalTarget): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(target.connectionOptions);
  } catch (cause) {
    throw unreachable(target, cause);
  }
}
