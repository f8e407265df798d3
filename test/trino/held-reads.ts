import { startHttpProxy } from '../support/http-proxy.ts';

/** An address of an S3 server at which reading Parquet files may be held back: queries run, and have no rows. */
export interface HeldReads {
  endpoint: string;
  /** @returns how many reads wait since then, and how to let them and all others through */
  hold(): { waiting: () => number; release: () => void };
}

/** Open it; it ends with the file's tests. */
export async function startHeldReads(target: string): Promise<HeldReads> {
  let held: { waiting: (() => void)[] } | undefined;
  // The target keeps the host that requests were signed for.
  const endpoint = await startHttpProxy(target, {
    before: ({ method, url = '/' }) => {
      const isRead = method === 'GET' && new URL(url, target).pathname.endsWith('.parquet');
      const waiting = isRead ? held?.waiting : undefined;
      return waiting && new Promise<void>((resolve) => waiting.push(resolve));
    },
  });
  return {
    endpoint,
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
