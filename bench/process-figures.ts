import { readdir, readFile } from 'node:fs/promises';

const ticksPerSecond = 100;

/** CPU time that a process has used, user and system, milliseconds; undefined where there is no /proc. */
export async function cpuMs(pid: number): Promise<number | undefined> {
  return (await statOf(pid))?.ownMs;
}

/** CPU time of a server with its children, those that have ended too, milliseconds; undefined where there is no /proc. */
export async function serverCpuMs(pid: number): Promise<number | undefined> {
  for (;;) {
    const server = await statOf(pid);
    if (server === undefined) return undefined;
    const others = await Promise.all(
      (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((name) => statOf(Number(name))),
    );
    const sum = others
      .filter((other) => other?.parent === pid)
      .reduce((total, child) => total + (child?.ownMs ?? 0), server.ownMs + server.endedChildrenMs);
    // A child that ended meanwhile is in neither of the two.
    if ((await statOf(pid))?.endedChildrenMs === server.endedChildrenMs) return sum;
  }
}

async function statOf(
  pid: number,
): Promise<{ parent: number; ownMs: number; endedChildrenMs: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ms = (first: number) =>
    ((Number(fields[first]) + Number(fields[first + 1])) * 1_000) / ticksPerSecond;
  return { parent: Number(fields[1]), ownMs: ms(11), endedChildrenMs: ms(13) };
}

/** Most memory that a process has had resident, bytes; undefined where there is no /proc. */
export async function peakRssBytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(text ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1_024;
}
