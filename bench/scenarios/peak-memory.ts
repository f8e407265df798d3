import { privateBytes } from '../process-figures.ts';

const intervalMs = 200;

/** A watch over the memory of a server, until it is stopped. */
interface PeakMemory {
  /** most that was seen; NaN where there is no /proc */
  bytes(): number;
  stop(): void;
}

/**
 * Look at a server with its children every 200 ms, because no kernel counts the peak of several processes together.
 * @param pid as in {@link privateBytes}
 */
export function peakPrivateBytes(pid: number): PeakMemory {
  let most = NaN;
  const look = () =>
    privateBytes(pid).then((bytes) => {
      if (bytes !== undefined && !(bytes <= most)) most = bytes;
    });
  const timer = setInterval(() => void look(), intervalMs);
  return {
    bytes: () => most,
    stop: () => {
      clearInterval(timer);
    },
  };
}
