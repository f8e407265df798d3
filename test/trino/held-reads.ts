import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { atEnd } from '../support/at-end.ts';

/** An address of an S3 server at which reading Parquet files may be held back: queries run, and have no rows. */
export interface HeldReads {
  endpoint: string;
  /** @returns how many reads wait since then, and how to let them and all others through */
  hold(): { waiting: () => number; release: () => void };
}

/** Open it; it ends with the file's tests. */
export async function startHeldReads(target: string): Promise<HeldReads> {
  let held: { waiting: (() => void)[] } | undefined;
  const server = createServer((asked, answer) => {
    const forward = () => {
      // With the host that the request was signed for.
      const { method, headers } = asked;
      const forwarded = request(new URL(asked.url ?? '/', target), { method, headers }, (found) => {
        answer.writeHead(found.statusCode ?? 502, found.headers);
        pipeline(found, answer).catch(() => answer.destroy());
      });
      pipeline(asked, forwarded).catch(() => answer.destroy());
    };
    const isRead = asked.method === 'GET' && new URL(asked.url ?? '/', target).pathname.endsWith('.parquet');
    if (held === undefined || !isRead) forward();
    else held.waiting.push(forward);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  atEnd(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => {
      const waiting: (() => void)[] = [];
      held = { waiting };
      return {
        waiting: () => waiting.length,
        release: () => {
          held = undefined;
          for (const forward of waiting) forward();
        },
      };
    },
  };
}
