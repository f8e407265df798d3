import { PipelineError } from '../../domain/failures/failures.ts';
import { createServer } from 'node:http';
import type { Server } from 'node:http';

/** Result of one check; `problem` is undefined if all is well. Shown to anyone who asks, so it contains no secret. */
export interface HealthCheck {
  what: string;
  problem?: string | undefined;
}

/** Checks by path; each runs when it is requested. */
export type HealthPages = Readonly<Record<string, () => HealthCheck[] | Promise<HealthCheck[]>>>;

/** A check that hangs is a problem too; probes time out after about as long. */
const maxCheckMs = 5_000;

/**
 * Serve health endpoints over HTTP: 200 if no check has a problem, else 503; JSON with every check.
 *
 * @param address `host:port`
 * @returns stops the server
 * @throws PipelineError `ConfigInvalid` if it cannot listen there
 */
export async function serveHealth(address: string, pages: HealthPages): Promise<() => Promise<void>> {
  const [host = '', port = ''] = address.split(':');
  const server = createServer((request, response) => {
    const page = pages[new URL(request.url ?? '/', 'http://localhost').pathname];
    if (page === undefined) {
      response.writeHead(404).end(`pages: ${Object.keys(pages).join(', ')}\n`);
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    void inTime(page).then((checks) => {
      const isWell = checks.every(({ problem }) => problem === undefined);
      response
        .writeHead(isWell ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        .end(`${JSON.stringify({ status: isWell ? 'ok' : 'unavailable', checks })}\n`);
    });
  });
  await listen(server, { host, port: Number(port), address });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

async function inTime(page: HealthPages[string]): Promise<HealthCheck[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HealthCheck[]>((resolve) => {
    timer = setTimeout(
      () => resolve([{ what: 'checks', problem: `no response within ${maxCheckMs / 1_000} s` }]),
      maxCheckMs,
    );
  });
  try {
    return await Promise.race([page(), late]);
  } catch (error) {
    return [{ what: 'checks', problem: error instanceof Error ? error.name : 'failed' }];
  } finally {
    clearTimeout(timer);
  }
}

function listen(
  server: Server,
  { host, port, address }: { host: string; port: number; address: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new PipelineError(
          'ConfigInvalid',
          `OCP_HEALTH_ADDRESS: cannot listen on "${address}": ${cause.message}; expected an address of this machine with a free port`,
          { cause },
        ),
      );
    });
    server.listen({ host, port }, () => resolve());
  });
}
