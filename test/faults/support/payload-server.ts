import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from '../../support/at-end.ts';

/** An HTTP server that has one payload, and stops in the middle of sending it the first time. */
export interface PayloadServer {
  address: string;
  /** downloads that were begun */
  requestCount(): number;
  /** send the rest of the first download; nobody may want it any more */
  finishFirst(): void;
}

/** Start it on a loopback port; it ends with the file's tests. */
export async function startPayloadServer(archive: Buffer): Promise<PayloadServer> {
  const half = Math.floor(archive.length / 2);
  let requestCount = 0;
  let first: ServerResponse | undefined;
  const server = createServer((_request, response) => {
    requestCount += 1;
    response.writeHead(200, { 'content-length': archive.length });
    if (first === undefined) {
      first = response;
      response.write(archive.subarray(0, half));
    } else response.end(archive);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  atEnd(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/payload.tar.gz`,
    requestCount: () => requestCount,
    finishFirst: () => first?.end(archive.subarray(half)),
  };
}
