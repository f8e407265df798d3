import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { atEnd } from '../../support/at-end.ts';

/** A loopback port that leads to a server, until the test cuts or blocks the way. */
export interface TcpProxy {
  port: number;
  /** let nothing through any more, in either direction; connections stay open, as in a network that lost its router */
  block(): void;
  /** break all connections; new ones are let through */
  reset(): void;
  /** break the connection that the server sees coming from this port. @returns whether there was one */
  cut(clientPort: number): boolean;
}

/** Open it; it ends with the file's tests. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let blocked = false;
  const server = createServer((inbound) => {
    const outbound = connect(target);
    const pair = [inbound, outbound] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [outbound, inbound] as const]) {
      from.setNoDelay(true);
      from.pipe(to);
      // Which side broke does not matter: the other one breaks too.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (blocked) from.unpipe(to).pause();
    }
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const destroyAll = (): void => {
    for (const socket of [...pairs].flat()) socket.destroy();
  };
  atEnd(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    destroyAll();
    await closed;
  });
  return {
    port: (server.address() as AddressInfo).port,
    block: () => {
      blocked = true;
      for (const [inbound, outbound] of pairs) {
        inbound.unpipe(outbound).pause();
        outbound.unpipe(inbound).pause();
      }
    },
    reset: () => {
      blocked = false;
      for (const socket of [...pairs].flat()) socket.resetAndDestroy();
    },
    cut: (clientPort) => {
      const found = [...pairs].filter(([, outbound]) => outbound.localPort === clientPort);
      for (const socket of found.flat()) socket.resetAndDestroy();
      return found.length > 0;
    },
  };
}
