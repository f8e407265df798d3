import { execFile, spawnSync } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createFolder } from './fault-bed.ts';
import { atEnd } from '../../support/at-end.ts';

const run = promisify(execFile);

/** A file system of a few MiB of its own. */
export interface SmallDisk {
  /** where it is mounted */
  directory: string;
  /** use up everything but `leftBytes` */
  fill(leftBytes: number): Promise<void>;
  /** free what {@link fill} used */
  free(): Promise<void>;
}

/**
 * Mount it (tmpfs). It goes with the file's tests, and with this process whatever happens.
 * @throws Error that says what is needed when it cannot be mounted
 */
export async function mountSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const directory = await createFolder('disk');
  const privileged = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const command = (...args: string[]): [string, string[]] => {
    const [program = '', ...rest] = [...privileged, ...args];
    return [program, rest];
  };
  try {
    await run(...command('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=1777`, 'tmpfs', directory));
  } catch (cause) {
    throw new Error(
      `a tmpfs of ${mebibytes} MiB cannot be mounted on ${directory}: run this as root on Linux, or with sudo; ` +
        'in a container with the capability SYS_ADMIN',
      { cause },
    );
  }
  const unmount = (): void => {
    spawnSync(...command('umount', directory));
  };
  process.once('exit', unmount);
  atEnd(async () => {
    await run(...command('umount', directory));
    process.off('exit', unmount);
  });
  const ballast = join(directory, '.ballast');
  return {
    directory,
    fill: async (leftBytes) => {
      const { bavail, bsize } = await statfs(directory);
      await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
    },
    free: () => rm(ballast),
  };
}
