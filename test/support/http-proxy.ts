import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { atEnd } from './at-end.ts';

/** What a proxy does with a request. */
export interface Passing {
  /** waits until the request may go on */
  before?: (asked: IncomingMessage) => Promise<void> | void;
  /** name of the server that the target is told; absent: what the client asked for */
  host?: string;
}

/**
 * A proxy before an HTTP server. It ends with the file's tests.
 * @returns its address
 */
export async function startHttpProxy(target: string, { before, host }: Passing): Promise<string> {
  const server = createServer((asked, answer) => {
    void (async () => {
      await before?.(asked);
      const { method } = asked;
      const headers = { ...asked.headers, ...(host === undefined ? {} : { host }) };
      const forwarded = request(new URL(asked.url ?? '/', target), { method, headers }, (found) => {
        answer.writeHead(found.statusCode ?? 502, found.headers);
        pipeline(found, answer).catch(() => answer.destroy());
      });
      pipeline(asked, forwarded).catch(() => answer.destroy());
    })();
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  atEnd(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
