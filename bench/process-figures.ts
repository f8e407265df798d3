import { readdir, readFile, writeFile } from 'node:fs/promises';

const ticksPerSecond = 100;

/** CPU time that a process has used, user and system, milliseconds; undefined where there is no /proc. */
export async function cpuMs(pid: number): Promise<number | undefined> {
  return (await statOf(pid))?.ownMs;
}

/**
 * CPU time of a server with its children, those that have ended too, milliseconds; undefined where there is no /proc.
 */
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

/**
 * Memory of a server and its children that no other process shares, bytes: of PostgreSQL everything but
 * `shared_buffers`; undefined where there is no /proc.
 */
export async function privateBytes(pid: number): Promise<number | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const sizes = await Promise.all(
    pids.map(async (one) => {
      if (one !== pid && (await statOf(one))?.parent !== pid) return 0;
      const text = await readFile(`/proc/${one}/status`, 'utf8').catch(() => '');
      return Number(/^RssAnon:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1_024;
    }),
  );
  return pids.includes(pid) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
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

/** Memory of a process, bytes. */
export interface ProcessMemory {
  /** resident now */
  rssBytes: number;
  /** most that was resident since the start, or since {@link forgetPeakRss} */
  peakRssBytes: number;
}

/** Memory that a process has resident; undefined where there is no /proc. */
export async function processMemory(pid: number): Promise<ProcessMemory | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text ?? '')?.[1]) * 1_024;
  const memory = { rssBytes: bytes('VmRSS'), peakRssBytes: bytes('VmHWM') };
  return Number.isNaN(memory.rssBytes + memory.peakRssBytes) ? undefined : memory;
}

/** Most memory that a process has had resident, bytes; undefined where there is no /proc. */
export async function peakRssBytes(pid: number): Promise<number | undefined> {
  return (await processMemory(pid))?.peakRssBytes;
}

/** Let the peak be measured anew from here. */
export async function forgetPeakRss(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
