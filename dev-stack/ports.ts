import { createServer } from 'node:net';
import { isErrno } from './process-identity.ts';

const loopback = '127.0.0.1';
/** Maximum number of attempts that may fail although the ports are free. */
const maxPassingFailures = 2;
/** Maximum number of attempts whose ports were taken meanwhile: many stacks may start with the same preferred ports. */
const maxLostRaces = 10;

/**
 * Start something on loopback ports: the preferred ones if they are free, otherwise any free ones.
 *
 * Another process may take a port between the check and the start, so if a start fails and its port turns out to be
 * taken, it is repeated with another one.
 *
 * @param wanted one port per listener; 0 for "any free port"
 * @param start gets as many distinct ports as `wanted` contains
 * @param isPassing whether a failure is worth a retry although the ports are free
 * @throws what the last `start` threw
 */
export async function startOnFreePorts<T>(
  wanted: readonly number[],
  start: (ports: readonly number[]) => Promise<T>,
  isPassing: (error: unknown) => boolean = () => false,
): Promise<T> {
  let passingFailures = 0;
  let lostRaces = 0;
  for (;;) {
    const ports = await choosePorts(wanted);
    try {
      return await start(ports);
    } catch (error) {
      const free = await Promise.all(ports.map(isPortFree));
      if (free.every(Boolean)) passingFailures += isPassing(error) ? 1 : maxPassingFailures + 1;
      else lostRaces += 1;
      if (passingFailures > maxPassingFailures || lostRaces > maxLostRaces) throw error;
    }
  }
}

/** Whether a server could listen on this port of 127.0.0.1 now. */
async function isPortFree(port: number): Promise<boolean> {
  try {
    await probe(port);
    return true;
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE', 'EACCES')) {
      return false;
    }
    throw error;
  }
}

async function choosePorts(wanted: readonly number[]): Promise<number[]> {
  const chosen: number[] = [];
  for (const port of wanted) {
    let candidate = port;
    if (candidate === 0 || chosen.includes(candidate) || !(await isPortFree(candidate))) {
      do {
        candidate = await probe(0);
      } while (chosen.includes(candidate));
    }
    chosen.push(candidate);
  }
  return chosen;
}

function probe(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: loopback, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}
